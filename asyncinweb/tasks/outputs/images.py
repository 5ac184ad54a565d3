"""Pictures in what a function returned: image bytes, SVG, and objects that can draw themselves."""

import io
import re
from collections.abc import Callable
from typing import Any

from asyncinweb.tasks.outputs.jsonable import attribute

IMAGES = {
    b"\x89PNG\r\n\x1a\n": ("image/png", "png"),
    b"\xff\xd8\xff": ("image/jpeg", "jpg"),
    b"GIF8": ("image/gif", "gif"),
}
SVG = re.compile(r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!doctype[^>]*>\s*)?<svg[\s>]", re.IGNORECASE | re.DOTALL)
# As many bytes of a file tell whether it is an image.
HEAD_BYTES = 16


def image_type(head: bytes) -> tuple[str, str] | None:
    """Media type and suffix of a picture that every browser shows, by its first bytes."""
    for magic, kind in IMAGES.items():
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp", "webp"
    return None


def is_svg(text: str) -> bool:
    """A text that is a drawing."""
    return text[-100:].rstrip().endswith("</svg>") and SVG.match(text[:4000]) is not None


def drawing_of(value: object) -> Callable[[], bytes] | None:
    """How to get a PNG from a figure (`savefig`), from axes on one, or from what notebooks show (`_repr_png_`)."""
    for holder in (value, attribute(value, "figure")):
        savefig = attribute(holder, "savefig")
        if callable(savefig):
            return lambda: _saved(savefig)
    draw = attribute(value, "_repr_png_")
    return (lambda: bytes(draw())) if callable(draw) and not isinstance(value, type) else None


def _saved(savefig: Callable[..., Any]) -> bytes:
    buffer = io.BytesIO()
    savefig(buffer, format="png")
    return buffer.getvalue()

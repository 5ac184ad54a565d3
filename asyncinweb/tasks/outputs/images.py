"""Pictures: image bytes, SVG, and objects that can draw themselves, without their libraries."""

import io
import re
from collections.abc import Callable
from typing import Any
from xml.parsers import expat

from asyncinweb.tasks.outputs.jsonable import attribute
from asyncinweb.tasks.outputs.return_value import ReturnValue, described, text_value, utf8

IMAGES = {
    b"\x89PNG\r\n\x1a\n": ("image/png", "png"),
    b"\xff\xd8\xff": ("image/jpeg", "jpg"),
    b"GIF8": ("image/gif", "gif"),
}
SVG_MEDIA_TYPE = "image/svg+xml"
NAMESPACE = "http://www.w3.org/2000/svg"
LOOKS_LIKE_SVG = re.compile(r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!doctype[^>]*>\s*)?<svg[\s/>]", re.I | re.S)
# A larger drawing is a download: it is read whole to see whether a browser can draw it.
MOST_SVG_BYTES = 20_000_000
# For modes of a Pillow image that PNG does not have.
NEAREST_MODES = {"F": "L", "I": "L", "La": "LA", "PA": "RGBA", "RGBa": "RGBA"} | dict.fromkeys(
    ("CMYK", "YCbCr", "HSV", "LAB", "RGBX"), "RGB"
)
# This much of a file is enough to tell whether it is an image.
HEAD_BYTES = 16


# --- what a browser can draw ------------------------------------------------------------------------------------


def image_type(head: bytes) -> tuple[str, str] | None:
    """Media type and suffix of a picture that every browser can show, by its first bytes."""
    for magic, kind in IMAGES.items():
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp", "webp"
    return None


def svg_fault(data: bytes, *, is_whole: bool = True) -> str:
    """Why a browser would not draw this as an SVG, "" if it would. Judges only the beginning if that is all there
    is."""
    roots: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = lambda name, attributes: roots.append(name)
    try:
        parser.Parse(data, is_whole)
    except expat.ExpatError as error:
        return f"it isn't well-formed XML: {error}"
    except ValueError as error:  # an encoding unknown to expat
        return str(error)
    return "" if roots[:1] == [f"{NAMESPACE} svg"] else "its root isn't <svg> in the namespace of SVG"


def drawable_svg(data: bytes) -> bytes | None:
    """The drawing with a namespace, which one made for a page may lack. None if browsers cannot draw it."""
    if len(data) > MOST_SVG_BYTES:
        return None
    with_namespace = re.sub(rb"<svg(?=[\s/>])", b'<svg xmlns="%s"' % NAMESPACE.encode(), data, count=1)
    return next((each for each in (data, with_namespace) if not svg_fault(each)), None)


# --- shapes -----------------------------------------------------------------------------------------------------


def svg_text(value: object) -> ReturnValue | None:
    """Text that is an SVG document."""
    if not isinstance(value, str) or not LOOKS_LIKE_SVG.match(value[:4000]):
        return None
    data = utf8(value.strip())
    if drawing := drawable_svg(data):
        return _svg(drawing)
    return text_value(value, f"This looks like an SVG drawing, but {svg_fault(data)}. It is shown as text.")


def image_bytes(value: object) -> ReturnValue | None:
    """Bytes of a picture or of an SVG document."""
    return picture_in(bytes(value)) if isinstance(value, (bytes, bytearray, memoryview)) else None


def picture_in(data: bytes, name: str = "") -> ReturnValue | None:
    """These bytes as a picture, if they are one."""
    if kind := image_type(data[:HEAD_BYTES]):
        return ReturnValue("image", *kind, data, name=name)
    drawing = drawable_svg(data.strip()) if b"<" in data[:HEAD_BYTES] else None
    return _svg(drawing, name) if drawing else None


def figure(value: object) -> ReturnValue | None:
    """Anything with `savefig`, and axes, lines, bars or an array of axes on one figure."""
    holder = figure_of(value)
    return None if holder is None else _drawn(value, lambda: _saved(holder.savefig))


def figure_of(value: Any) -> Any:
    """The figure that a value is, or is drawn on. None if there is none."""
    if attribute(value, "dtype") is not None and attribute(value, "size"):
        value = value.flat[0] if attribute(value, "flat") is not None else value
    holders = (value, attribute(value, "figure"))
    return next((holder for holder in holders if callable(attribute(holder, "savefig"))), None)


def draws_itself(value: object) -> bool:
    """True for an object that `figure` or `picture` asks to draw itself."""
    names = ("_repr_png_", "_repr_svg_", "_repr_jpeg_")
    return figure_of(value) is not None or any(callable(attribute(value, name)) for name in names)


def picture(value: object) -> ReturnValue | None:
    """A Pillow image in any mode, or what notebooks show: `_repr_png_`, `_repr_svg_`, `_repr_jpeg_`."""
    if isinstance(value, type):
        return None
    if _is_pillow(value):
        return _drawn(value, lambda: _as_png(value))
    draws = (attribute(value, name) for name in ("_repr_png_", "_repr_svg_", "_repr_jpeg_"))
    return next(filter(None, (_drawn_by_itself(value, draw) for draw in draws if callable(draw))), None)


def _svg(data: bytes, name: str = "") -> ReturnValue:
    return ReturnValue("svg", SVG_MEDIA_TYPE, "svg", data, name=name)


def _drawn(value: object, draw: Callable[[], bytes]) -> ReturnValue:
    try:
        found = picture_in(draw())
        if found is None:
            raise ValueError("what it drew isn't a picture")
    except Exception as error:
        return described(value, "The picture could not be drawn", error)
    return found


def _drawn_by_itself(value: object, draw: Callable[[], Any]) -> ReturnValue | None:
    """None if the object says that it has no picture of this kind."""
    try:
        data = draw()
    except NotImplementedError:
        return None
    except Exception as error:
        return described(value, "The picture could not be drawn", error)
    if data is None:
        return None
    return _drawn(value, lambda: utf8(data) if isinstance(data, str) else bytes(data))


def _saved(savefig: Callable[..., Any]) -> bytes:
    buffer = io.BytesIO()
    savefig(buffer, format="png")
    return buffer.getvalue()


# --- Pillow -----------------------------------------------------------------------------------------------------


def _is_pillow(value: object) -> bool:
    names = ("mode", "convert", "getextrema", "save")
    return all(attribute(value, name) is not None for name in names)


def _as_png(image: Any) -> bytes:
    """As PNG, in the nearest mode that PNG has."""
    mode = NEAREST_MODES.get(image.mode)
    if mode:
        image = _greys(image) if mode == "L" else image.convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return buffer.getvalue()


def _greys(image: Any) -> Any:
    """Numbers as greys: 0 to 1 or 0 to 255 as they are, others scaled from the lowest to the highest."""
    low, high = image.getextrema()
    if low >= 0 and high <= 255:
        low, high = 0, 1 if high <= 1 and image.mode == "F" else 255
    scale = 255 / ((high - low) or 1)
    return image.convert("F").point(lambda grey: grey * scale - low * scale).convert("L")

"""From what a function returned to what is stored, and in which shape a page shows it.

Work is not thrown away because a value is odd: what JSON cannot say is kept as its `repr`, with a warning.
Nothing here writes files; a value that must not go into the row carries its bytes.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from uuid import UUID

Shape = Literal["none", "text", "number", "json", "table", "image", "svg", "file"]

IMAGES = {
    b"\x89PNG\r\n\x1a\n": ("image/png", "png"),
    b"\xff\xd8\xff": ("image/jpeg", "jpg"),
    b"GIF8": ("image/gif", "gif"),
}


@dataclass(frozen=True)
class Output:
    """A returned value ready to be stored: `text` for the row, or `data` for a file with `suffix`."""

    shape: Shape
    media_type: str
    suffix: str
    data: bytes
    warning: str = ""


def to_output(value: object) -> Output:
    """Choose the shape a page shows the value in. Never fails: a hostile `repr` is replaced too."""
    if value is None:
        return Output("none", "application/json", "json", b"null")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _binary(bytes(value))
    if isinstance(value, str):
        return _text(value)
    if _is_table(value):
        return _json("table", value)
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return _json("number", value)
    return _json("json", value)


def _binary(data: bytes) -> Output:
    for magic, (media_type, suffix) in IMAGES.items():
        if data.startswith(magic):
            return Output("image", media_type, suffix, data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Output("image", "image/webp", "webp", data)
    return Output("file", "application/octet-stream", "bin", data)


def _text(value: str) -> Output:
    # A lone surrogate is no valid UTF-8; it is shown as the question mark box browsers use.
    data = value.encode("utf-8", "replace")
    if value.lstrip()[:5].lower() == "<svg " and value.rstrip().endswith("</svg>"):
        return Output("svg", "image/svg+xml", "svg", data)
    return Output("text", "text/plain", "txt", data)


def _is_table(value: object) -> bool:
    """A list of at least one dict, all with scalar values."""
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(
            isinstance(row, dict)
            and row
            and not any(isinstance(cell, (dict, list, tuple, set)) for cell in row.values())
            for row in value
        )
    )


def _json(shape: Shape, value: object) -> Output:
    odd: list[str] = []
    try:
        plain = _plain(value, odd, ())
    except RecursionError:
        odd.append("a value nested too deeply")
        plain = safe_repr(value)
    data = json.dumps(plain, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    warning = f"Kept as text, since JSON cannot say it: {', '.join(sorted(set(odd))[:5])}." if odd else ""
    if not isinstance(plain, (int, float)) and shape == "number":
        shape = "json"
    return Output(shape, "application/json", "json", data, warning)


def _plain(value: Any, odd: list[str], above: tuple[int, ...]) -> Any:
    """The value in JSON's own types. Notes the types it had to write as text in `odd`."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        # Beyond 2**53 a browser would round the number; its digits are kept as text.
        return value if abs(value) <= 2**53 else _digits(value, odd)
    if isinstance(value, float):
        return value if math.isfinite(value) else _odd(value, odd)
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Enum):
        return _plain(value.value, odd, above)
    return _plain_container(value, odd, above)


def _plain_container(value: Any, odd: list[str], above: tuple[int, ...]) -> Any:
    if id(value) in above:
        odd.append("a value that contains itself")
        return "…"
    try:
        return _plain_items(value, odd, (*above, id(value)))
    except RecursionError:
        raise
    except Exception:  # an author's own container may fail in any way
        return _odd(value, odd)


def _plain_items(value: Any, odd: list[str], above: tuple[int, ...]) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        # Not by asdict, which copies every item and fails where one cannot be copied, such as a lock.
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        plain: dict[str, Any] = {}
        for key, item in value.items():
            plain[_key(key, value)] = _plain(item, odd, above)
        return plain
    if isinstance(value, (list, tuple)):
        return [_plain(item, odd, above) for item in value]
    if isinstance(value, (set, frozenset)):
        return [_plain(item, odd, above) for item in sorted(value, key=safe_repr)]
    return _odd(value, odd)


def _key(key: object, mapping: Mapping[Any, Any]) -> str:
    """The key as text; where a text key of that name is there too, with its type."""
    if isinstance(key, str):
        return key
    shown = safe_repr(key)
    return f"{shown} ({type(key).__name__})" if shown in mapping else shown


def _digits(value: int, odd: list[str]) -> str:
    try:
        return str(value)
    except ValueError:  # longer than Python's limit for decimal digits; hexadecimal has none
        odd.append("an int of more than 4300 digits")
        return hex(value)


def _odd(value: object, odd: list[str]) -> str:
    odd.append(type(value).__name__)
    return safe_repr(value)


def safe_repr(value: object) -> str:
    """`repr(value)`, at most 10,000 characters, even where the type's own `__repr__` fails."""
    try:
        shown = repr(value)
    except Exception as error:
        return f"<{type(value).__name__}, whose repr fails with {type(error).__name__}>"
    return shown if len(shown) <= 10_000 else shown[:10_000] + "…"

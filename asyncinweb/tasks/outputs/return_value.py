"""The form of a returned value before it is stored, and the few functions that all families of shapes use to build
one.

The families' files decide which shape a value has; `shapes` sets the order in which they are tried.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

from asyncinweb.tasks.outputs.jsonable import safe_repr

Shape = Literal["none", "text", "number", "json", "table", "image", "svg", "markdown", "html", "file", "several"]
SHAPES: Final[tuple[Shape, ...]] = get_args(Shape)


@dataclass(frozen=True)
class ReturnValue:
    """A returned value ready to be stored: `data`, the file `source`, or several `parts` by name.

    name: the name of its download, if it has its own. columns, rows: of a table. is_numbered: the
    names of the parts are only their numbers. script_hashes, height: of an HTML document, the scripts
    that can run in it, and its pixels.
    """

    shape: Shape
    media_type: str
    suffix: str
    data: bytes = field(default=b"", repr=False)
    warning: str = ""
    name: str = ""
    source: Path | None = None
    source_bytes: int = 0
    columns: tuple[str, ...] = ()
    rows: int = 0
    parts: tuple[tuple[str, "ReturnValue"], ...] = ()
    is_numbered: bool = False
    script_hashes: tuple[str, ...] = ()
    height: int = 0

    @property
    def size(self) -> int:
        """Bytes needed to store it."""
        return len(self.data) + self.source_bytes + sum(part.size for _, part in self.parts)


def utf8(text: str) -> bytes:
    """A lone surrogate isn't valid UTF-8; it is shown as a question mark."""
    return text.encode("utf-8", "replace")


def json_bytes(value: Any) -> bytes:
    """A value in JSON's own types as JSON that every browser reads."""
    return utf8(json.dumps(value, ensure_ascii=False, allow_nan=False))


def text_value(text: str, warning: str = "") -> ReturnValue:
    """Text shown as it is."""
    return ReturnValue("text", "text/plain", "txt", utf8(text), warning)


def described(value: object, what_failed: str, error: Exception) -> ReturnValue:
    """An object that should have had a better shape: its `repr` and the reason."""
    reason = " ".join(f"{type(error).__name__}: {_message(error)}".split())[:500]
    return text_value(safe_repr(value), f"{what_failed}, so only its description is kept. {reason}")


def _message(error: Exception) -> str:
    try:
        return str(error)
    except Exception:  # an author's own exception can fail in any way
        return "(its message can't be shown)"

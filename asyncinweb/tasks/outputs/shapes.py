"""From what a function returned to what is stored, and in which shape a page shows it.

Work is not thrown away because a value is odd: what JSON cannot say is kept as its `repr`, with a warning.
Nothing here writes files; a value that must not go into the row carries its bytes, or the file they are in.
"""

import contextlib
import json
import mimetypes
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any, Literal

from asyncinweb.tasks.file_names import clean_name, is_dangerous
from asyncinweb.tasks.outputs.dataframes import (
    MOST_COLUMNS,
    Record,
    columns_of,
    frame_records,
    is_frame,
    is_records,
)
from asyncinweb.tasks.outputs.images import HEAD_BYTES, drawing_of, image_type, is_svg
from asyncinweb.tasks.outputs.jsonable import attribute, jsonable, safe_repr, warning_about

Shape = Literal["none", "text", "number", "json", "table", "image", "svg", "markdown", "file", "several"]

# A dict of more named results than this is shown as JSON.
MOST_NAMED = 100
# Of a file-like object at most this is read, unless the caller allows more.
MOST_BYTES = 100_000_000
# Nothing to look for in values of these types.
PLAIN_TYPES = (bool, int, float, Decimal, list, dict, tuple, set, frozenset)


class Markdown(str):
    """Text that its page shows as Markdown. Return it from a task: `return Markdown("# Done")`."""

    __slots__ = ()


@dataclass(frozen=True)
class ReturnValue:
    """A returned value ready to be stored: `data`, the file `source`, or several `parts` by name.

    `name`: what its download is called, where it has a name of its own. `columns` and `rows`: of a table.
    """

    shape: Shape
    media_type: str
    suffix: str
    data: bytes = b""
    warning: str = ""
    name: str = ""
    source: Path | None = None
    source_bytes: int = 0
    columns: tuple[str, ...] = ()
    rows: int = 0
    parts: tuple[tuple[str, "ReturnValue"], ...] = ()

    @property
    def size(self) -> int:
        """Bytes it takes to keep it."""
        return len(self.data) + self.source_bytes + sum(part.size for _, part in self.parts)


def to_return_value(value: object, most_bytes: int = MOST_BYTES) -> ReturnValue:
    """Choose the shape a page shows the value in. Never fails: a hostile `repr` is replaced too."""
    return _several(value, most_bytes) or _one(value, most_bytes)


def _several(value: object, most_bytes: int) -> ReturnValue | None:
    """Named results: a dict with text keys, of which at least one value is shown as more than JSON."""
    if not isinstance(value, dict) or not 0 < len(value) <= MOST_NAMED:
        return None
    if not all(isinstance(key, str) for key in value):
        return None
    special = {key: _special(item, most_bytes) for key, item in value.items()}
    if not any(special.values()):
        return None
    parts = tuple((key, special[key] or _ordinary(item)) for key, item in value.items())
    return ReturnValue("several", "application/zip", "zip", parts=parts)


def _one(value: object, most_bytes: int) -> ReturnValue:
    return _special(value, most_bytes) or _ordinary(value)


def _ordinary(value: object) -> ReturnValue:
    """A value that JSON or plain text can show."""
    if value is None:
        return ReturnValue("none", "application/json", "json", b"null")
    if isinstance(value, str):
        return _text(value)
    return _json(value)


def _special(value: object, most_bytes: int) -> ReturnValue | None:
    """A value of a shape that JSON cannot show: table, picture, Markdown, file. None for any other."""
    if value is None:
        return None
    if isinstance(value, Markdown):
        return ReturnValue("markdown", "text/markdown", "md", _utf8(value))
    if isinstance(value, str):
        return ReturnValue("svg", "image/svg+xml", "svg", _utf8(value)) if is_svg(value) else None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _binary(bytes(value))
    if is_records(value):
        return _records(value)
    if isinstance(value, (*PLAIN_TYPES, type)):
        return None
    return _object(value, most_bytes)


def _object(value: object, most_bytes: int) -> ReturnValue | None:
    """What an object can be shown as, judged by what it can do."""
    if isinstance(value, PurePath):
        return _path(value)
    if callable(attribute(value, "read")):
        return _file_like(value, most_bytes)
    if draw := drawing_of(value):
        return _drawn(value, draw)
    return _frame(value) if is_frame(value) else None


# --- text and JSON ----------------------------------------------------------------------------------------------


def _utf8(text: str) -> bytes:
    # A lone surrogate is no valid UTF-8; it is shown as a question mark.
    return text.encode("utf-8", "replace")


def _text(value: str, warning: str = "") -> ReturnValue:
    return ReturnValue("text", "text/plain", "txt", _utf8(value), warning)


def _json(value: object) -> ReturnValue:
    odd: list[str] = []
    told = jsonable(value, odd)
    is_number = isinstance(told, (int, float)) or isinstance(value, (int, Decimal))
    shape: Shape = "number" if is_number and not odd and not isinstance(told, bool) else "json"
    return ReturnValue(shape, "application/json", "json", _dumped(told), warning_about(odd))


def _dumped(told: object) -> bytes:
    return _utf8(json.dumps(told, ensure_ascii=False, allow_nan=False))


# --- tables -----------------------------------------------------------------------------------------------------


def _records(value: object) -> ReturnValue | None:
    odd: list[str] = []
    records = jsonable(value, odd)
    # A row may be of the author's own kind of dict, or hold something deep.
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        return None
    columns = columns_of(records)
    return _table(columns, records, odd) if len(columns) <= MOST_COLUMNS else None


def _frame(value: object) -> ReturnValue:
    odd: list[str] = []
    try:
        columns, records = frame_records(value, odd)
    except Exception as error:  # somebody else's object, known only by its looks
        return _as_text(value, "The table could not be read", error)
    return _table(columns, records, odd)


def _table(columns: Sequence[str], records: Iterable[Record], odd: list[str]) -> ReturnValue:
    # A record a line, so that the beginning of a long table can be read by itself.
    lines = [json.dumps(record, ensure_ascii=False, allow_nan=False) for record in records]
    data = _utf8("[\n" + ",\n".join(lines) + "\n]") if lines else b"[]"
    names = tuple(_utf8(column).decode() for column in columns)
    return ReturnValue(
        "table", "application/json", "json", data, warning_about(odd), columns=names, rows=len(lines)
    )


# --- bytes, files, pictures -------------------------------------------------------------------------------------


def _binary(data: bytes, name: str = "") -> ReturnValue:
    if kind := image_type(data[:HEAD_BYTES]):
        return ReturnValue("image", *kind, data, name=name)
    media_type = _media_type(name) if name else "application/octet-stream"
    return ReturnValue("file", media_type, _suffix(name) or "bin", data, name=name)


def _path(value: PurePath) -> ReturnValue:
    """The file at a path. It is copied when the result is kept."""
    path = Path(value).absolute()
    try:
        if not path.is_file():
            return _text(str(value), "There is no file at this path, so only the path is kept.")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            size = os.fstat(file.fileno()).st_size
    except (OSError, ValueError) as error:
        return _text(str(value), f"The file at this path cannot be read ({error}), so only the path is kept.")
    name = clean_name(path.name)
    if kind := image_type(head):
        return ReturnValue("image", *kind, source=path, source_bytes=size, name=name)
    media_type = _media_type(name)
    shape: Shape = "svg" if media_type == "image/svg+xml" else "file"
    return ReturnValue(shape, media_type, _suffix(name) or "bin", source=path, source_bytes=size, name=name)


def _file_like(value: Any, most_bytes: int) -> ReturnValue:
    """What is in an open file, from its beginning. One byte more than may be kept is enough to refuse it."""
    try:
        with contextlib.suppress(Exception):
            value.seek(0)
        data = value.read(most_bytes + 1)
        if isinstance(data, str):
            name = _name_of(value)
            return ReturnValue(
                "file", _media_type(name or "a.txt"), _suffix(name) or "txt", _utf8(data), name=name
            )
        return _binary(bytes(data), _name_of(value))
    except Exception as error:
        return _as_text(value, "The file could not be read", error)


def _drawn(value: object, draw: Any) -> ReturnValue:
    try:
        data = draw()
        if image_type(data[:HEAD_BYTES]) is None:
            raise ValueError("what it drew is no image")
    except Exception as error:
        return _as_text(value, "The picture could not be drawn", error)
    return _binary(data)


def _as_text(value: object, what: str, error: Exception) -> ReturnValue:
    reason = " ".join(f"{type(error).__name__}: {_words(error)}".split())[:500]
    return _text(safe_repr(value), f"{what}, so only its description is kept. {reason}")


def _words(error: Exception) -> str:
    try:
        return str(error)
    except Exception:
        return "(its message can't be shown)"


# --- names ------------------------------------------------------------------------------------------------------


def file_name(name: str) -> str:
    """The name without what could lead out of a folder or hide: slashes, control characters, leading dots."""
    shown = "".join("_" if each in '/\\:*?"<>|' or is_dangerous(each) else each for each in name)
    shown = shown.strip(". ")
    stem, dot, suffix = shown.rpartition(".")
    if len(suffix) > 20 or not stem:
        stem, dot, suffix = shown, "", ""
    return stem[:100] + dot + suffix


def _name_of(value: object) -> str:
    name = attribute(value, "name")
    return file_name(PurePath(name).name) if isinstance(name, str) else ""


def _media_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _suffix(name: str) -> str:
    suffix = PurePath(name).suffix[1:].lower()
    return suffix if suffix.isascii() and suffix.isalnum() and len(suffix) <= 10 else ""

"""Files: bytes, paths, open files, and the names under which they are saved."""

import contextlib
import mimetypes
import os
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from asyncinweb.file_names import clean_name, is_dangerous
from asyncinweb.server_paths import HiddenPaths
from asyncinweb.tasks.inputs.uploaded import UploadedFile
from asyncinweb.tasks.outputs.images import HEAD_BYTES, MOST_SVG_BYTES, SVG_MEDIA_TYPE, image_type, picture_in
from asyncinweb.tasks.outputs.jsonable import attribute, shown_path
from asyncinweb.tasks.outputs.return_value import ReturnValue, described, text_value, utf8

# How much of an open file is read. A shape takes only the value, so it is set around the whole table of shapes.
MOST_BYTES = 100_000_000
most_bytes: ContextVar[int] = ContextVar("most_bytes", default=MOST_BYTES)
UNKNOWN = "application/octet-stream"
# The shapes whose data are words of the function, not a file.
WORDS = ("text", "json", "table", "markdown")
COMPRESSED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


# --- shapes -----------------------------------------------------------------------------------------------------


def binary(value: object) -> ReturnValue | None:
    """Bytes that are not a picture."""
    return in_memory(bytes(value)) if isinstance(value, (bytes, bytearray, memoryview)) else None


def path(value: object) -> ReturnValue | None:
    """The file at a path, such as an uploaded one. It is copied when the result is stored."""
    if not isinstance(value, os.PathLike):
        return None
    if isinstance(value, UploadedFile):
        return _at(value.path, value.name)
    return _at(Path(os.fsdecode(value)), "")


def open_file(value: object) -> ReturnValue | None:
    """The contents of an open file, from its beginning. Reading one byte more than the limit is enough to refuse
    it."""
    if isinstance(value, type) or not callable(attribute(value, "read")):
        return None
    try:
        return _read(value)
    except Exception as error:
        return described(value, "The file could not be read", error)


def in_memory(data: bytes, name: str = "") -> ReturnValue:
    """Bytes as a picture or a download."""
    return picture_in(data, name) or ReturnValue(
        "file", media_type_of(name), suffix_of(name) or "bin", data, name=name
    )


def _at(path: Path, name: str) -> ReturnValue:
    try:
        if not path.is_file():
            return text_value(shown_path(path), "There is no file at this path, so only its name is kept.")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(HEAD_BYTES)
            drawing = (
                _drawing(head + file.read(), name or path.name) if _can_be_drawing(path, name, size) else None
            )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        return text_value(shown_path(path), f"This file cannot be read ({why}), so only its name is kept.")
    return drawing or _copied(path.absolute(), size, image_type(head), clean_name(name or path.name))


def _copied(path: Path, size: int, image: tuple[str, str] | None, name: str) -> ReturnValue:
    if image:
        return ReturnValue("image", *image, source=path, source_bytes=size, name=name)
    return ReturnValue(
        "file", media_type_of(name), suffix_of(name) or "bin", source=path, source_bytes=size, name=name
    )


def _can_be_drawing(path: Path, name: str, size: int) -> bool:
    return media_type_of(name or path.name) == SVG_MEDIA_TYPE and size <= MOST_SVG_BYTES


def _drawing(data: bytes, name: str) -> ReturnValue | None:
    found = picture_in(data, clean_name(name))
    return found if found and found.shape == "svg" else None


def _read(file: Any) -> ReturnValue:
    with contextlib.suppress(Exception):
        file.seek(0)
    data = file.read(most_bytes.get() + 1)
    name = _name_of(file)
    if isinstance(data, str):
        return ReturnValue("file", media_type_of(name or "a.txt"), suffix_of(name) or "txt", utf8(data), name=name)
    return in_memory(bytes(data), name)


# --- names ------------------------------------------------------------------------------------------------------


def as_shown(value: ReturnValue, hidden: HiddenPaths) -> ReturnValue:
    """The value with the job's input files under their visitor's names, and its texts without paths on this
    server."""
    if value.parts:
        return replace(value, parts=tuple((name, as_shown(part, hidden)) for name, part in value.parts))
    called = next((name for path, name in hidden.names.items() if path.name == value.name), None)
    if called is not None:
        value = _called(value, clean_name(called))
    data = hidden.in_bytes(value.data) if value.shape in WORDS else value.data
    return replace(value, data=data, warning=hidden.in_error(value.warning))


def _called(value: ReturnValue, name: str) -> ReturnValue:
    if value.shape != "file":
        return replace(value, name=name)
    return replace(value, name=name, media_type=media_type_of(name), suffix=suffix_of(name) or value.suffix)


def file_name(name: str) -> str:
    """The name without what could lead out of a folder or hide: slashes, control characters, leading dots."""
    shown = "".join("_" if each in '/\\:*?"<>|' or is_dangerous(each) else each for each in name)
    shown = shown.strip(". ")
    stem, dot, suffix = shown.rpartition(".")
    if len(suffix) > 20 or not stem:
        stem, dot, suffix = shown, "", ""
    return stem[:100] + dot + suffix


def media_type_of(name: str) -> str:
    """The media type of a file with this name. For a compressed file, that of the compression, not of its
    contents."""
    media_type, encoding = mimetypes.guess_type(name)
    return COMPRESSED.get(encoding, UNKNOWN) if encoding else media_type or UNKNOWN


def suffix_of(name: str) -> str:
    """The part of a name after the last dot, "" if it is odd or there is none."""
    suffix = PurePath(name).suffix[1:].lower()
    return suffix if suffix.isascii() and suffix.isalnum() and len(suffix) <= 10 else ""


def _name_of(value: object) -> str:
    name = attribute(value, "name")
    return clean_name(name) if isinstance(name, str) and name else ""

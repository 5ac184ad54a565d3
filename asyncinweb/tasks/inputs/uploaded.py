"""A file given to a task, and which files a task accepts.

A task gets a path and the file's original name; only the path is ever used as a path. For where uploads wait, see
`queue.files.uploads`; for where a job keeps them, `arguments`.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeGuard

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from asyncinweb.file_names import clean_name
from asyncinweb.units import listed
from asyncinweb.units import size as in_words

CHUNK = 256 * 1024
# The context key under which a validator finds the folder with a stored job's files.
FOLDER = "folder"
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class UploadedFile(os.PathLike[str]):
    """A file that was given to a task. Read it at `path`, or use it as a path itself: `open(file)`.

    name: its original name, only for showing; never a path, and without characters that deceive. size in bytes.
    The file belongs to the job and may be shared with other jobs, so only read it.
    """

    path: Path
    name: str
    size: int
    sha256: str

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> "UploadedFile":
        """A file on this computer, for tests and for `enqueue`. Reads it once. Raises OSError."""
        digest, size = hashlib.sha256(), 0
        with Path(path).open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
        return cls(Path(path), clean_name(Path(path).name), size, digest.hexdigest())

    @property
    def suffix(self) -> str:
        """`.csv`, in lower case; "" if the name has none."""
        return PurePosixPath(self.name).suffix.lower()

    @property
    def facts(self) -> dict[str, object]:
        """What is stored about the file, and shown to programs."""
        return {"name": self.name, "size": self.size, "sha256": self.sha256}

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return words_for(self.facts)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> Any:
        return core_schema.with_info_plain_validator_function(
            _file_of, serialization=core_schema.plain_serializer_function_ser_schema(lambda file: file.facts)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, object]:
        return {
            "type": "object",
            "title": "File",
            "description": "A file, sent in a form (multipart/form-data) or from the shell.",
        }


@dataclass(frozen=True, init=False)
class Accept:
    """Which files are accepted: `Annotated[UploadedFile, Accept(".csv", ".txt", max_mb=5)]`.

    Without suffixes, any name is accepted. max_mb: for each file. `Field(min_length=, max_length=)` limits how
    many files a list can have.
    """

    suffixes: tuple[str, ...]
    max_bytes: int | None

    def __init__(self, *suffixes: str, max_mb: float | None = None) -> None:
        wrong = [each for each in suffixes if not each.startswith(".") or len(each) < 2]
        if wrong:
            raise ValueError(f'A suffix must start with a dot, such as ".csv", not {wrong[0]!r}.')
        object.__setattr__(self, "suffixes", tuple(each.lower() for each in suffixes))
        object.__setattr__(self, "max_bytes", None if max_mb is None else int(max_mb * 1_000_000))

    def fault_of(self, name: str, size: int) -> str:
        """Why a file of this name and size in bytes is not accepted, "" if it is."""
        if self.suffixes and not name.lower().endswith(self.suffixes):
            return f"must be a {listed(self.suffixes)} file, not {name!r}"
        if self.max_bytes is not None and size > self.max_bytes:
            return f"must be at most {in_words(self.max_bytes)} ({name!r} is larger)"
        return ""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> Any:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def _checked(self, value: Any) -> Any:
        for file in value if isinstance(value, list) else [value]:
            if isinstance(file, UploadedFile) and (fault := self.fault_of(file.name, file.size)):
                raise PydanticCustomError("file", "{fault}", {"fault": fault})
        return value


def is_stored_file(value: object) -> TypeGuard[dict[str, Any]]:
    """True for the stored facts about a file."""
    return isinstance(value, dict) and value.keys() == {"name", "size", "sha256"}


def words_for(facts: Mapping[str, Any]) -> str:
    """`orders.csv (14.2 kB)`"""
    return f"{facts['name']} ({in_words(facts['size'])})"


def _file_of(value: object, info: core_schema.ValidationInfo) -> UploadedFile:
    if isinstance(value, UploadedFile):
        return value
    if info.mode == "json" and info.context and FOLDER in info.context:
        return _stored(value, info.context[FOLDER])
    if isinstance(value, os.PathLike):
        try:
            return UploadedFile.of(value)
        except OSError as error:
            raise PydanticCustomError(
                "file",
                "can't be read from {path}: {why}",
                {"path": str(value), "why": error.strerror or str(error)},
            ) from None
    # Not a text: a caller who sends arguments as JSON could otherwise choose which file on this computer is read.
    raise PydanticCustomError(
        "file", "must be a file: sent in a form (multipart/form-data), given in the shell, or a pathlib.Path"
    )


def _stored(value: Any, folder: Path) -> UploadedFile:
    if not is_stored_file(value) or not _DIGEST.fullmatch(value["sha256"]):
        raise PydanticCustomError("file", "must be a file")
    path = folder / value["sha256"]
    if not path.is_file():
        raise PydanticCustomError("file", "is no longer available ({name})", {"name": value["name"]})
    return UploadedFile(path, value["name"], value["size"], value["sha256"])

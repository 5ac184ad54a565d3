"""The result of a job: a small one in its row, a larger one in its folder, with a reference in the row.

A worker stores it, pages and programs read it; no other module knows how it is stored.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from asyncinweb.queue.damaged_rows import MISSHAPEN, stored_json
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.models import Job
from asyncinweb.tasks.clean_values import json_text
from asyncinweb.tasks.outputs.return_value import SHAPES, ReturnValue, Shape

# A larger result goes into a file beside the database.
MAX_RESULT_IN_ROW = 256_000
# Never in the row.
SHAPES_IN_FILES = ("image", "file", "html")


@dataclass(frozen=True)
class Stored:
    """What is stored of a returned value: the value itself, the file at `path`, or several `parts` by name.

    size in bytes. name: what a download is called, if the file had a name of its own. columns, rows: of a table.
    is_numbered: the names of the parts are only their numbers. script_hashes, height: of an HTML document, the
    scripts that can run in it, and its pixels.
    """

    shape: Shape
    media_type: str
    suffix: str
    size: int
    warning: str
    name: str
    value: Any
    path: Path | None
    columns: tuple[str, ...]
    rows: int
    parts: tuple[tuple[str, "Stored"], ...]
    is_numbered: bool
    script_hashes: tuple[str, ...]
    height: int

    def data(self) -> bytes:
        """The value as a download. Only where there is no file."""
        if self.media_type == "application/json":
            return json_text(self.value, ensure_ascii=False, indent=2).encode("utf-8", "replace")
        return str(self.value).encode("utf-8", "replace")

    def leaves(self) -> Iterator[tuple[tuple[str, ...], "Stored"]]:
        """The results without parts of their own, in order, by the names that lead to each. Where a name is only a
        number, a file's own name says more."""
        for name, part in self.parts:
            if part.parts:
                yield from (((name, *names), leaf) for names, leaf in part.leaves())
            else:
                yield (part.name if self.is_numbered and part.name else name,), part

    def files(self) -> Iterator[Path]:
        """Every file of the result."""
        if self.path is not None:
            yield self.path
        for _, part in self.parts:
            yield from part.files()


def keep_result(folder: JobFolder, claim_no: int, value: ReturnValue) -> str:
    """The JSON for the job's row. When this returns, everything else has been flushed to disk.

    Raises AsyncInWebError if a returned file no longer exists, OSError if the disk is full.
    """
    return kept_as_json(folder, f"{claim_no}", value, MAX_RESULT_IN_ROW)


def kept_as_json(folder: JobFolder, number: str, value: ReturnValue, room: int) -> str:
    """Like `keep_result`. number: for file names; room: how many bytes go into the row."""
    # An author's file name may contain half a character.
    facts = _Keeper(folder, number, room).keep(value)
    return json.dumps(facts, ensure_ascii=False).encode("utf-8", "replace").decode()


@dataclass
class _Keeper:
    """Keeps one result: `room` bytes of values in the row, the rest in files that are named by `number`."""

    folder: JobFolder
    number: str
    room: int
    files: int = 0

    def keep(self, value: ReturnValue) -> dict[str, object]:
        if value.shape != "several":
            return self._kept(value, self.number)
        return {**_facts(value), "parts": [self._keep_part(*part) for part in value.parts]}

    def _keep_part(self, name: str, value: ReturnValue) -> dict[str, object]:
        if value.shape == "several":
            return {"part": name, **self.keep(value)}
        self.files += 1
        return {"part": name, **self._kept(value, f"{self.number}-{self.files}")}

    def _kept(self, value: ReturnValue, number: str) -> dict[str, object]:
        facts = _facts(value)
        if value.source is not None:
            facts["file"] = self.folder.copy_result(number, value.suffix, value.source)
        elif value.shape in SHAPES_IN_FILES or len(value.data) > self.room or not _is_utf8(value.data):
            facts["file"] = self.folder.write_result(number, value.suffix, value.data)
        else:
            self.room -= len(value.data)
            is_json = value.media_type == "application/json"
            facts["value"] = json.loads(value.data) if is_json else value.data.decode()
        return facts


def _facts(value: ReturnValue) -> dict[str, object]:
    further = {
        "warning": value.warning,
        "name": value.name,
        "columns": value.columns,
        "rows": value.rows,
        "is_numbered": value.is_numbered,
        "script_hashes": value.script_hashes,
        "height": value.height,
    }
    facts = {key: fact for key, fact in further.items() if fact}
    return {"shape": value.shape, "media_type": value.media_type, "bytes": value.size, **facts}


def _is_utf8(data: bytes) -> bool:
    """False for a drawing in another encoding."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


SUFFIXES = {
    "text/plain": "txt",
    "application/json": "json",
    "text/markdown": "md",
    "image/svg+xml": "svg",
    "application/zip": "zip",
}


def stored_result(folder: JobFolder, job: Job) -> Stored | None:
    """The result of a completed job; None for any other."""
    if job.state != "completed" or job.result is None:
        return None
    return stored_in(folder, job, "result")


def stored_in(folder: JobFolder, job: Job, column: Literal["result", "partial_result"]) -> Stored | None:
    """What a column of the job's row says of a value; None where it can't be read, which marks the job."""
    try:
        return _checked(stored_from(folder, stored_json(getattr(job, column))))
    except MISSHAPEN:
        job.mark_damaged((column,))
        return None


def _checked(stored: Stored) -> Stored:
    """Raises ValueError for what no worker has written."""
    has_content = stored.path is not None or bool(stored.parts) or stored.value is not None
    if stored.shape not in SHAPES or type(stored.size) is not int:
        raise ValueError(stored.shape)
    if not has_content and stored.shape not in ("json", "none", "several"):
        raise ValueError(stored.shape)
    return stored


def stored_from(folder: JobFolder, facts: dict[str, Any]) -> Stored:
    """What the JSON in a row says about a stored value."""
    path = folder.path / Path(facts["file"]).name if "file" in facts else None
    return Stored(
        shape=facts["shape"],
        media_type=facts["media_type"],
        suffix=path.suffix[1:] if path else SUFFIXES.get(facts["media_type"], "bin"),
        size=facts["bytes"],
        warning=facts.get("warning", ""),
        name=facts.get("name", ""),
        value=facts.get("value"),
        path=path,
        columns=tuple(facts.get("columns", ())),
        rows=facts.get("rows", 0),
        parts=tuple((part["part"], stored_from(folder, part)) for part in facts.get("parts", ())),
        is_numbered=facts.get("is_numbered", False),
        script_hashes=tuple(facts.get("script_hashes", ())),
        height=facts.get("height", 0),
    )

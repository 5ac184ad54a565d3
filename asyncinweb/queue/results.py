"""The result of a job: small ones in its row, larger ones in its folder with a word about them in the row.

A worker keeps it, pages and programs read it; nobody else knows how it is stored.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.models import Job
from asyncinweb.tasks.outputs.shapes import ReturnValue, Shape

# A larger result goes into a file beside the database.
MAX_RESULT_IN_ROW = 256_000


@dataclass(frozen=True)
class Stored:
    """What was kept of a returned value: the value itself, the file at `path`, or several `parts` by name.

    `size` in bytes. `name` is what a download is called, if the file had a name of its own. `columns` and `rows`
    are those of a table.
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

    def data(self) -> bytes:
        """The value as a download. Only where there is no file."""
        if self.media_type == "application/json":
            return json.dumps(self.value, ensure_ascii=False, indent=2).encode("utf-8", "replace")
        return str(self.value).encode("utf-8", "replace")

    def files(self) -> Iterator[Path]:
        """Every file of the result."""
        if self.path is not None:
            yield self.path
        for _, part in self.parts:
            yield from part.files()


def keep_result(folder: JobFolder, claim_no: int, output: ReturnValue) -> str:
    """The JSON for the job's row. What does not belong there is on the disk for good when this returns.

    Raises AsyncInWebError if a returned file has gone meanwhile, OSError if there is no room.
    """
    return kept_as_json(folder, f"{claim_no}", output, MAX_RESULT_IN_ROW)


def kept_as_json(folder: JobFolder, number: str, output: ReturnValue, room: int) -> str:
    """As `keep_result`. number: for the names of files; room: bytes that go into the row."""
    if output.parts:
        facts: dict[str, object] = {"shape": output.shape, "media_type": output.media_type, "bytes": output.size}
        facts["parts"] = _kept_parts(folder, number, output, room)
    else:
        facts = _kept(folder, number, output, room)
    # A name of an author's may hold half a character.
    return json.dumps(facts, ensure_ascii=False).encode("utf-8", "replace").decode()


def _kept_parts(folder: JobFolder, number: str, output: ReturnValue, room: int) -> list[dict[str, object]]:
    parts = []
    for place, (name, part) in enumerate(output.parts, start=1):
        facts = _kept(folder, f"{number}-{place}", part, room)
        if "value" in facts:
            room -= part.size
        parts.append({"part": name, **facts})
    return parts


def _kept(folder: JobFolder, number: str, output: ReturnValue, room: int) -> dict[str, object]:
    facts: dict[str, object] = {"shape": output.shape, "media_type": output.media_type, "bytes": output.size}
    further = {"warning": output.warning, "name": output.name, "columns": output.columns, "rows": output.rows}
    facts.update({key: value for key, value in further.items() if value})
    if output.source is not None:
        facts["file"] = folder.copy_result(number, output.suffix, output.source)
    elif output.shape in ("image", "file") or len(output.data) > room:
        facts["file"] = folder.write_result(number, output.suffix, output.data)
    elif output.media_type == "application/json":
        facts["value"] = json.loads(output.data)
    else:
        facts["value"] = output.data.decode()
    return facts


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
    return stored_from(folder, json.loads(job.result))


def stored_from(folder: JobFolder, facts: dict[str, Any]) -> Stored:
    """What the JSON in a row says of a value that is kept."""
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
    )

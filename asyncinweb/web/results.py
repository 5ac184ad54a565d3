"""A stored result made ready for a page: cut where it is long, with what a download needs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asyncinweb.queue.models import Job
from asyncinweb.tasks.outputs import Shape
from asyncinweb.web.shared import folder_of

# What a page shows; the rest is a download away.
MOST_CHARACTERS = 100_000
MOST_ROWS = 500

SUFFIXES = {
    "text/plain": "txt",
    "application/json": "json",
    "image/svg+xml": "svg",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
}


@dataclass(frozen=True)
class Stored:
    """What the worker kept: a value, or a file in the job's folder."""

    shape: Shape
    media_type: str
    size: int
    warning: str
    value: Any
    path: Path | None

    @property
    def suffix(self) -> str:
        return SUFFIXES.get(self.media_type, "bin")

    def data(self) -> bytes:
        """The value as a download. Only where there is no file."""
        if self.media_type == "application/json":
            return json.dumps(self.value, ensure_ascii=False, indent=2).encode("utf-8", "replace")
        return str(self.value).encode("utf-8", "replace")


@dataclass(frozen=True)
class Table:
    """Rows of cells, all as long as `columns`. `total`: rows there are, shown or not."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    total: int

    @property
    def numeric(self) -> set[int]:
        """Positions of columns that have only numbers."""
        return {
            place
            for place in range(len(self.columns))
            if all(isinstance(row[place], (int, float)) or row[place] == "" for row in self.rows)
        }


@dataclass(frozen=True)
class Result:
    """A result as its page shows it. `view` names the partial."""

    stored: Stored
    view: str
    text: str = ""
    is_cut: bool = False
    table: Table | None = None


def stored_result(job: Job) -> Stored | None:
    """The result of a completed job; None for any other."""
    if job.state != "completed" or job.result is None:
        return None
    facts = json.loads(job.result)
    path = folder_of(job).path / Path(facts["file"]).name if "file" in facts else None
    return Stored(
        shape=facts["shape"],
        media_type=facts["media_type"],
        size=facts["bytes"],
        warning=facts.get("warning", ""),
        value=facts.get("value"),
        path=path,
    )


def result_of(job: Job) -> Result | None:
    """The result of a completed job as its page shows it."""
    stored = stored_result(job)
    if stored is None:
        return None
    if stored.path is not None and stored.shape not in ("image", "svg"):
        return Result(stored, "file")
    if stored.shape == "table":
        return Result(stored, "table", table=_table(stored.value))
    if stored.shape in ("text", "json", "number"):
        return _text(stored)
    return Result(stored, stored.shape)


def _text(stored: Stored) -> Result:
    text = stored.value if isinstance(stored.value, str) else _indented(stored.value)
    return Result(stored, stored.shape, text[:MOST_CHARACTERS], len(text) > MOST_CHARACTERS)


def _indented(value: object) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value:,}"
    return json.dumps(value, ensure_ascii=False, indent=2)


def _table(rows: list[dict[str, Any]]) -> Table:
    shown = rows[:MOST_ROWS]
    columns = list(dict.fromkeys(name for row in shown for name in row))
    return Table(columns, [[_cell(row.get(name)) for name in columns] for row in shown], len(rows))


def _cell(value: object) -> object:
    """Numbers stay numbers, so that the page can set them flush right."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else value

"""A stored result prepared for a page: cut if it is long, with what its downloads need."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from flask import url_for
from markupsafe import Markup

from asyncinweb.queue.models import Job
from asyncinweb.queue.partial_results import stored_partial_result
from asyncinweb.queue.results import Stored
from asyncinweb.queue.results import stored_result as stored_in
from asyncinweb.states import State
from asyncinweb.tasks.outputs.files import file_name
from asyncinweb.web.shared import folder_of
from asyncinweb.web.viewers.json_tree import Line, indented, tree_of
from asyncinweb.web.viewers.previews import NOTHING, Preview, preview_of
from asyncinweb.web.viewers.tables import Table, table_of

# What a page shows; the rest is a download away.
MOST_CHARACTERS = 100_000
MOST_JSON = 20_000
# Rendering takes a second for the worst text of this length.
MOST_MARKDOWN = 50_000
MOST_SECTIONS = 100


@dataclass(frozen=True)
class Shown:
    """A result on its page, alone or one of several.

    `view`: the partial. `number`: its place among several, from 1; 0 if it is the only one. `address`: of its
    download. `csv_address`: of a table as CSV. `frame_address`: of a figure in a frame.
    """

    stored: Stored
    view: str
    address: str
    csv_address: str
    frame_address: str
    number: int = 0
    name: str = ""
    text: str = ""
    is_cut: bool = False
    table: Table | None = None
    tree: Line | None = None
    html: Markup | None = None
    preview: Preview = NOTHING

    @property
    def id(self) -> str:
        """A part of its elements' ids, unique on the page."""
        return f"result-{self.number}" if self.number else "result"


@dataclass(frozen=True)
class Result:
    """A job's result: one, or several with names: the first ones, and their total number."""

    stored: Stored
    parts: Sequence[Shown]
    job_state: State
    address: str
    total: int = 1

    @property
    def is_so_far(self) -> bool:
        """True for the partial result of a job that is not completed."""
        return self.job_state != "completed"

    @property
    def is_several(self) -> bool:
        return self.stored.shape == "several"


def stored_result(job: Job) -> Stored | None:
    """The result of a completed job; None for any other."""
    return stored_in(folder_of(job), job)


def stored_so_far(job: Job) -> Stored | None:
    """The result of a completed job, the partial result of another; None if there is none."""
    return stored_result(job) or stored_partial_result(folder_of(job), job)


def result_of(job: Job) -> Result | None:
    """A job's result, or its partial result, as its page shows it."""
    stored = stored_so_far(job)
    if stored is None:
        return None
    if stored.shape != "several":
        return Result(stored, [_shown(stored, job, 0, "")], job.state, address_of(job, 0))
    leaves = list(stored.leaves())
    parts = [
        _shown(leaf, job, number, " / ".join(names))
        for number, (names, leaf) in enumerate(leaves[:MOST_SECTIONS], start=1)
    ]
    return Result(stored, parts, job.state, address_of(job, 0), len(leaves))


def address_of(job: Job, number: int, kind: str = "") -> str:
    """The address of a result's download; for one of several, by its number. Each partial result has its own."""
    so_far = None if job.state == "completed" else job.partial_no
    if number:
        return url_for(f"asyncinweb.part{kind}", slug=job.slug, part=number, so_far=so_far)
    return url_for(f"asyncinweb.result{kind}", slug=job.slug, so_far=so_far)


def download_name(job: Job, stored: Stored, part: str = "") -> str:
    """The file name of a saved result: its own name, otherwise that of its task."""
    if stored.name:
        return stored.name
    words = [job.task, job.slug[:6].strip("-_"), file_name(part)]
    return f"{'-'.join(filter(None, words))}.{stored.suffix}"


def finder(job: Job) -> Callable[[str], str | None]:
    """Finds the address of a saved file by its name."""
    names = {file.name for file in folder_of(job).saved(job.claim_no)}

    def find_file(name: str) -> str | None:
        return url_for("asyncinweb.saved_file", slug=job.slug, name=name) if name in names else None

    return find_file


# --- by shape ---------------------------------------------------------------------------------------------------


def _shown(stored: Stored, job: Job, number: int, name: str) -> Shown:
    address, csv_address, frame_address = (address_of(job, number, kind) for kind in ("", "_csv", "_frame"))
    bare = Shown(stored, stored.shape, address, csv_address, frame_address, number, name)
    try:
        if stored.path is not None:
            stored.path.stat()
        return _filled(bare, job)
    except OSError:  # the file was deleted
        return replace(bare, view="gone")


def _filled(shown: Shown, job: Job) -> Shown:
    stored = shown.stored
    match stored.shape:
        case "table":
            table = table_of(stored)
            return replace(shown, table=table, is_cut=table.is_cut)
        case "json" if stored.path is None:
            tree, is_cut = tree_of(stored.value)
            return replace(shown, tree=tree, is_cut=is_cut)
        case "json":
            text, is_cut = _beginning(stored, MOST_JSON)
            return replace(shown, text=indented(text), is_cut=is_cut)
        case "markdown":
            text, is_cut = _beginning(stored, MOST_MARKDOWN)
            return replace(shown, html=_markdown(text, job), is_cut=is_cut)
        case "text":
            text, is_cut = _beginning(stored, MOST_CHARACTERS)
            return replace(shown, text=text, is_cut=is_cut)
        case "number":
            return replace(shown, text=_number(stored.value))
        case "file" if stored.path is not None:
            preview = preview_of(stored.path, stored.name or f"result.{stored.suffix}", stored.size)
            return replace(shown, preview=preview)
    return shown


def _beginning(stored: Stored, most_characters: int) -> tuple[str, bool]:
    """The first characters of a text, and whether there are more. Reads no more of a file than that."""
    if stored.path is None:
        text = str(stored.value)
    else:
        with stored.path.open(encoding="utf-8", errors="replace", newline="") as file:
            text = file.read(most_characters + 1)
    return text[:most_characters], len(text) > most_characters


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)


def _markdown(text: str, job: Job) -> Markup:
    # Loaded on first use: the library would add 35 ms to every start.
    markdown = importlib.import_module("asyncinweb.web.viewers.markdown")
    html: Markup = markdown.rendered(text, finder(job))
    return html

"""Downloads: a job's result and the files it saved. Anything that could run in a browser is only saved, never
shown."""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from flask import Response, abort, request, send_file

from asyncinweb.queue.files.job_folder import SavedFile
from asyncinweb.queue.models import Job
from asyncinweb.queue.results import Stored
from asyncinweb.tasks.outputs.files import file_name, media_type_of
from asyncinweb.web.http.byte_range import send_as_file
from asyncinweb.web.http.streaming import streamed
from asyncinweb.web.http.zip_stream import unique_names, zip_pieces
from asyncinweb.web.shared import folder_of, job_or_404, pages
from asyncinweb.web.viewers.previews import NOTHING, Preview, preview_of
from asyncinweb.web.viewers.results import download_name, stored_result, stored_so_far
from asyncinweb.web.viewers.tables import csv_of

SAFE_IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
MOST_LISTED = 200
MOST_PREVIEWS = 20
# A drawing may use its own styles; nothing else in a download runs.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
# An interactive figure, in its own frame: an opaque origin, only its own scripts, no network (docs/decisions/011).
FRAME_POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox allow-scripts"
)


@dataclass(frozen=True)
class ListedFile:
    """A saved file with a preview."""

    file: SavedFile
    preview: Preview


@dataclass(frozen=True)
class Files:
    """The files a job saved: the first ones by name, and how many there are."""

    listed: Sequence[ListedFile]
    total: int
    total_bytes: int


def files_of(job: Job) -> Files | None:
    """What a job's page shows of the files it saved; None if there are none."""
    saved = folder_of(job).saved(job.claim_no)
    if not saved:
        return None
    listed = [
        ListedFile(file, preview_of(file.path, file.name, file.size) if place < MOST_PREVIEWS else NOTHING)
        for place, file in enumerate(saved[:MOST_LISTED])
    ]
    return Files(listed, len(saved), sum(file.size for file in saved))


@pages.get("/jobs/<slug>/result")
def result(slug: str) -> Response:
    """What the task returned, as a file; several results as a ZIP."""
    job = job_or_404(slug)
    stored = _result_or_404(job)
    if stored.shape == "several":
        return _zip(_entries_of_result(job, stored), download_name(job, stored), stored.size)
    return _download(stored, download_name(job, stored))


@pages.get("/jobs/<slug>/result/<int:part>")
def part(slug: str, part: int) -> Response:
    """One of several results; the first is 1."""
    job = job_or_404(slug)
    name, stored = _part_or_404(job, part)
    return _download(stored, download_name(job, stored, name))


@pages.get("/jobs/<slug>/result.csv")
def result_csv(slug: str) -> Response:
    """A table as CSV."""
    job = job_or_404(slug)
    return _csv(job, _result_or_404(job), "")


@pages.get("/jobs/<slug>/result/<int:part>.csv")
def part_csv(slug: str, part: int) -> Response:
    """A table among several results as CSV."""
    job = job_or_404(slug)
    name, stored = _part_or_404(job, part)
    return _csv(job, stored, name)


@pages.get("/jobs/<slug>/result/frame")
def result_frame(slug: str) -> Response:
    """An interactive figure, for its frame on the job's page."""
    return _frame(_result_or_404(job_or_404(slug)))


@pages.get("/jobs/<slug>/result/<int:part>/frame")
def part_frame(slug: str, part: int) -> Response:
    """A figure among several results, for its frame."""
    return _frame(_part_or_404(job_or_404(slug), part)[1])


@pages.get("/jobs/<slug>/files/<name>")
def saved_file(slug: str, name: str) -> Response:
    """A file the job saved, found by comparing names."""
    job = job_or_404(slug)
    file = next((file for file in folder_of(job).saved(job.claim_no) if file.name == name), None)
    if file is None:
        abort(404, f"This job has no file called {name!r}.")
    return _sent(file.path, media_type_of(name), name)


@pages.get("/jobs/<slug>/files.zip")
def files_zip(slug: str) -> Response:
    """All files the job saved, as a ZIP that is generated while it is sent."""
    job = job_or_404(slug)
    files = folder_of(job).saved(job.claim_no)
    if not files:
        abort(404, "This job hasn't saved any files.")
    names = unique_names(file.name for file in files)
    entries = zip(names, (file.path for file in files), strict=True)
    return _zip(entries, f"{_base_name(job)}-files.zip", sum(file.size for file in files))


# --- finding ----------------------------------------------------------------------------------------------------


def _result_or_404(job: Job) -> Stored:
    stored = stored_so_far(job) if _wants_so_far() else stored_result(job)
    if stored is None:
        abort(404, "This job has no result.")
    return stored


def _wants_so_far() -> bool:
    """True for the partial result of a job that is not completed; the page numbers them."""
    return request.args.get("so_far", "0").lower() not in ("", "0", "false")


def _part_or_404(job: Job, number: int) -> tuple[str, Stored]:
    leaves = list(_result_or_404(job).leaves())
    if not 0 < number <= len(leaves):
        abort(404, "This job has no result with this number.")
    names, leaf = leaves[number - 1]
    return "-".join(names), leaf


def _base_name(job: Job) -> str:
    return f"{job.task}-{job.slug[:6].strip('-_')}"


def _entries_of_result(job: Job, stored: Stored) -> Iterator[tuple[str, Path | bytes]]:
    leaves = list(stored.leaves())
    names = (_name_in_zip(names, leaf) for names, leaf in leaves)
    for name, (_, leaf) in zip(unique_names(names), leaves, strict=True):
        yield name, leaf.path or leaf.data()


def _name_in_zip(names: Sequence[str], leaf: Stored) -> str:
    """Sections inside sections are folders."""
    *folders, name = (file_name(each) or "result" for each in names)
    return "/".join([*folders, leaf.name or f"{name}.{leaf.suffix}"])


# --- sending ----------------------------------------------------------------------------------------------------


def _download(stored: Stored, name: str) -> Response:
    return _sent(stored.path or io.BytesIO(stored.data()), stored.media_type, name)


def _sent(data: Path | io.BytesIO, media_type: str, name: str) -> Response:
    """Send a file to be saved, or to be shown if it is a harmless picture."""
    if isinstance(data, Path) and not data.is_file():
        abort(404, "This file is no longer available.")
    response = send_file(
        data,
        mimetype=media_type,
        as_attachment=media_type not in SAFE_IMAGES,
        download_name=name,
        conditional=True,
    )
    if isinstance(data, Path) and response.status_code == 206:
        send_as_file(response, data)
    response.headers["Content-Security-Policy"] = POLICY
    return response


def _frame(stored: Stored) -> Response:
    """An HTML document in which only its own scripts run, and which can reach neither us nor the network."""
    if stored.shape != "html" or stored.path is None or not stored.path.is_file():
        abort(404, "This result has no figure to show.")
    response = send_file(stored.path, mimetype=stored.media_type, conditional=True)
    scripts = " ".join(f"'{each}'" for each in stored.script_hashes) or "'none'"
    response.headers["Content-Security-Policy"] = FRAME_POLICY.format(scripts=scripts)
    response.headers["X-DNS-Prefetch-Control"] = "off"
    return response


def _csv(job: Job, stored: Stored, part: str) -> Response:
    if stored.shape != "table":
        abort(404, "This result isn't a table.")
    if stored.path is not None and not stored.path.is_file():
        abort(404, "This file is no longer available.")
    name = f"{download_name(job, stored, part).removesuffix('.json')}.csv"
    return _saved(streamed(csv_of(stored), "text/csv", stored.size), name)


def _zip(entries: Iterable[tuple[str, Path | bytes]], name: str, size: int) -> Response:
    return _saved(streamed(zip_pieces(entries), "application/zip", size), name)


def _saved(response: Response, name: str) -> Response:
    """Have the browser save it under this name."""
    names = {"filename": name.encode("ascii", "replace").decode(), "filename*": f"UTF-8''{quote(name, safe='')}"}
    response.headers.set("Content-Disposition", "attachment", **names)
    response.headers["Content-Security-Policy"] = POLICY
    return response

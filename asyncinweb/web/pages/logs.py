"""A job's log on its page: first its end, then only new lines, by offset; earlier parts on request."""

from collections.abc import Iterator
from dataclasses import replace

from flask import Response, request

from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.files.job_log import kept_bytes, log_size, read_log
from asyncinweb.queue.models import Job
from asyncinweb.web.http.streaming import streamed
from asyncinweb.web.installation import installation
from asyncinweb.web.job_status.status import every, poll_interval
from asyncinweb.web.shared import folder_of, fragment, job_or_404, pages, render, unchanged, wants_fragment
from asyncinweb.web.viewers.ansi import style_of
from asyncinweb.web.viewers.log_pages import PART, LogPage, end_of_log, part_after, part_before

# A page that shows more than this starts again with the end.
MOST_ON_PAGE = 1_000_000
CHUNK = 64_000


def log_start(job: Job) -> LogPage:
    """What a page starts with: the current end of the log, or the part in its address."""
    before = _asked_before(job)
    return _end(job) if before is None else part_before(folder_of(job), job.claim_no, before)


@pages.get("/jobs/<slug>/log")
def log(slug: str) -> str | Response:
    """For htmx: the part `before` a byte of the attempt `claim`, or the lines since the byte `after`."""
    job = job_or_404(slug)
    if not wants_fragment():
        return whole_log(slug)
    before = _asked_before(job)
    if before is not None:
        part = part_before(folder_of(job), job.claim_no, before)
        return fragment(render("jobs/log_earlier.html", job=job, log=part))
    return _what_is_new(job)


@pages.get("/jobs/<slug>/log.txt")
def whole_log(slug: str) -> Response:
    """The whole log as plain text, byte for byte."""
    job = job_or_404(slug)
    folder = folder_of(job)
    response = streamed(_pieces(folder, job.claim_no), "text/plain", kept_bytes(folder, job.claim_no))
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _what_is_new(job: Job) -> Response:
    """204 if there is nothing new. A page of another attempt, or one far behind, starts again with the end."""
    size, poll = log_size(folder_of(job), job.claim_no), _poll(job)
    is_same = request.args.get("claim", type=int) == job.claim_no
    seen = (request.args.get("size", type=int), request.args.get("poll"))
    if is_same and poll and seen == (size, poll):
        return unchanged()
    after = _number("after")
    if not is_same or size - after > PART or size - _number("start") > MOST_ON_PAGE:
        return fragment(render("jobs/log_anew.html", job=job, log=_end(job)))
    part = part_after(folder_of(job), job.claim_no, after, style_of(request.args.get("style", "")))
    part = replace(part, start=_number("start"), poll=poll)
    return fragment(render("jobs/log_more.html", job=job, log=part))


def _end(job: Job) -> LogPage:
    return replace(end_of_log(folder_of(job), job.claim_no), poll=_poll(job))


def _poll(job: Job) -> str:
    return "" if job.is_final else every(poll_interval(job, installation().settings.poll_seconds))


def _number(name: str) -> int:
    return max(0, request.args.get(name, 0, type=int))


def _asked_before(job: Job) -> int | None:
    """The byte of this attempt at which the requested part ends."""
    before = request.args.get("before", type=int)
    is_same = request.args.get("claim", type=int) == job.claim_no
    return before if before is not None and before > 0 and is_same else None


def _pieces(folder: JobFolder, claim_no: int) -> Iterator[bytes]:
    offset = 0
    while True:
        piece = read_log(folder, claim_no, offset, CHUNK)
        if not piece.data:
            return
        if piece.dropped:
            yield f"\n[{piece.dropped:,} bytes are missing here because the log got too long]\n".encode()
        yield piece.data
        offset = piece.next_offset

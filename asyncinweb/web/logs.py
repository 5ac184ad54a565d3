"""A job's log on its page: its end at first, then only what is new, by offset; and the whole of it as text."""

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Response, request

from asyncinweb.queue.files import JobFolder
from asyncinweb.queue.joblog import log_size, read_log
from asyncinweb.queue.models import Job
from asyncinweb.web.shared import folder_of, fragment, here, job_or_404, pages, render, unchanged, wants_fragment
from asyncinweb.web.status import every, poll_interval

# Bytes a page starts with, and bytes that one answer adds.
SHOWN_AT_FIRST = 100_000
SHOWN_AT_ONCE = 100_000
CHUNK = 64_000


@dataclass(frozen=True)
class LogPart:
    """Part of the log of the attempt with this `claim`, and where to go on. `poll`: empty when it is complete."""

    text: str
    claim: int
    next_offset: int
    dropped: int
    is_cut: bool
    poll: str


def log_start(job: Job) -> LogPart:
    """The end of the log as it is now."""
    folder = folder_of(job)
    start = max(0, log_size(folder, job.claim_no) - SHOWN_AT_FIRST)
    part = _log_part(job, folder, start)
    if start == 0:
        return part
    # It may have begun in the middle of a line, even of a letter.
    text = part.text.partition("\n")[2] or part.text
    return LogPart(text, part.claim, part.next_offset, 0, True, part.poll)


@pages.get("/jobs/<slug>/log")
def log(slug: str) -> str | Response:
    """What has been written since the byte `after` of the attempt `claim`; 204 if that is nothing."""
    job = job_or_404(slug)
    if not wants_fragment():
        return whole_log(slug)
    is_same = request.args.get("claim", type=int) == job.claim_no
    after = max(0, request.args.get("after", 0, type=int)) if is_same else 0
    part = _log_part(job, folder_of(job), after) if is_same else log_start(job)
    if is_same and part.poll == request.args.get("poll") and not part.text:
        return unchanged()
    return fragment(render("jobs/log_more.html", job=job, log=part, is_same=is_same))


@pages.get("/jobs/<slug>/log.txt")
def whole_log(slug: str) -> Response:
    """The whole log as plain text."""
    job = job_or_404(slug)
    response = Response(_pieces(folder_of(job), job.claim_no), mimetype="text/plain")
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _log_part(job: Job, folder: JobFolder, after: int) -> LogPart:
    piece = read_log(folder, job.claim_no, after, SHOWN_AT_ONCE)
    is_complete = job.is_final and piece.next_offset >= log_size(folder, job.claim_no)
    poll = "" if is_complete else every(poll_interval(job, here().settings.poll_seconds))
    return LogPart(piece.text, job.claim_no, piece.next_offset, piece.dropped, False, poll)


def _pieces(folder: JobFolder, claim_no: int) -> Iterator[str]:
    offset = 0
    while True:
        piece = read_log(folder, claim_no, offset, CHUNK)
        if not piece.text:
            return
        if piece.dropped:
            yield f"\n[{piece.dropped:,} bytes are missing here: the log was too long]\n"
        yield piece.text
        offset = piece.next_offset

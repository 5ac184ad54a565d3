"""The list of jobs for programs and spreadsheets: the same filters and pages as /jobs, as JSON and as CSV."""

from collections.abc import Callable, Iterable

from flask import Response, request, url_for

from asyncinweb.queue.as_json import in_utc, listed_job_as_json
from asyncinweb.queue.excerpts import excerpt_of
from asyncinweb.queue.listing import Page, list_jobs
from asyncinweb.queue.models import Job
from asyncinweb.tasks.clean_values import json_text
from asyncinweb.web.pages.job_list import filters_asked_for
from asyncinweb.web.shared import pages, places_of, read_session, title_of
from asyncinweb.web.viewers.tables import csv_lines

JSON_ROWS = 100
CSV_ROWS = 500
Cell = Callable[[Job], object]

COLUMNS: dict[str, Cell] = {
    "slug": lambda job: job.slug,
    "task": lambda job: job.task,
    "title": title_of,
    "state": lambda job: job.state,
    "reason": lambda job: job.reason,
    "error": lambda job: job.error,
    "arguments": lambda job: json_text(excerpt_of(job.arguments)[0], ensure_ascii=False),
    "arguments_cut": lambda job: excerpt_of(job.arguments)[1],
    "attempts": lambda job: job.attempts,
    "created_at": lambda job: in_utc(job.created_at),
    "run_at": lambda job: in_utc(job.run_at),
    "started_at": lambda job: in_utc(job.started_at),
    "finished_at": lambda job: in_utc(job.finished_at),
    "seconds": lambda job: job.duration_seconds,
    "url": lambda job: url_for("asyncinweb.show", slug=job.slug, _external=True),
}


@pages.get("/jobs.json")
def jobs_json() -> Response:
    """A page of the list as JSON; `next` is the address of the next one, or null."""
    page, following = _page("asyncinweb.jobs_json", JSON_ROWS)
    places = places_of(page.jobs)
    found = [
        listed_job_as_json(job, places.get(job.id), url_for("asyncinweb.show", slug=job.slug, _external=True))
        for job in page.jobs
    ]
    answer = json_text({"jobs": found, "next": following})
    return _answer([answer], "application/json", following)


@pages.get("/jobs.csv")
def jobs_csv() -> Response:
    """A page of the list as CSV; the Link header names the next one."""
    page, following = _page("asyncinweb.jobs_csv", CSV_ROWS)
    rows = [[cell(job) for cell in COLUMNS.values()] for job in page.jobs]
    answer = _answer(csv_lines(list(COLUMNS), rows), "text/csv", following)
    answer.headers["Content-Disposition"] = 'attachment; filename="jobs.csv"'
    return answer


def _page(endpoint: str, rows: int) -> tuple[Page, str | None]:
    page = list_jobs(read_session(), filters_asked_for(), request.args.get("after") or None, rows)
    if page.next_after is None:
        return page, None
    asked = {**request.args.to_dict(), "after": page.next_after}
    return page, url_for(endpoint, **asked, _external=True)


def _answer(pieces: Iterable[str], media_type: str, following: str | None) -> Response:
    # In one piece: the rows are already in memory, and a slow reader must not occupy a thread.
    response = Response("".join(pieces), mimetype=media_type)
    response.headers["Cache-Control"] = "no-store"
    if following:
        response.headers["Link"] = f'<{following}>; rel="next"'
    return response

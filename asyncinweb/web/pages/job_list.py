"""Lists of jobs: a row's facts, the page /jobs, and what makes a list change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, abort, request, url_for

from asyncinweb.queue.listing import Filters, Page, list_jobs
from asyncinweb.queue.models import Job
from asyncinweb.states import STATES
from asyncinweb.web import visitors
from asyncinweb.web.installation import installation
from asyncinweb.web.job_status.status import Mood, every, mood_of, percent_done, word_of
from asyncinweb.web.shared import (
    fingerprint,
    fragment,
    inputs_of,
    pages,
    read_session,
    render,
    title_of,
    unchanged,
    wants_fragment,
)

ROWS = 30
MOST_WORDS = 90


@dataclass(frozen=True)
class JobRow:
    """A job in a list."""

    job: Job
    mood: Mood
    percent: int | None

    @property
    def title(self) -> str:
        return title_of(self.job)

    @property
    def word(self) -> str:
        return word_of(self.job)

    @property
    def inputs(self) -> str:
        """The arguments in one line, cut if it is long."""
        texts = [text for _, text in inputs_of(self.job) if text]
        line = " · ".join(" ".join(text[:MOST_WORDS].split()) for text in texts)
        return line if len(line) <= MOST_WORDS else line[: MOST_WORDS - 1] + "…"


@dataclass(frozen=True)
class JobListPage:
    """A page of a list, and the fingerprint of what it shows."""

    rows: Sequence[JobRow]
    next_after: str | None
    searched_until: datetime | None
    poll: str
    version: str


@pages.get("/jobs")
def jobs() -> str | Response:
    """All jobs, newest first, with the filters in the address."""
    filters = filters_asked_for()
    page = listing(list_jobs(read_session(), filters, request.args.get("after") or None, ROWS))
    if wants_fragment():
        if request.args.get("v") == page.version:
            return unchanged()
        return fragment(render("jobs/table.html", **_facts(page, filters)))
    tasks = {task.name: task.title for task in installation().registry.tasks.values()}
    facts = {"tasks": tasks, "states": STATES, "sees_others": visitors.sees_others()}
    return render("jobs/list.html", **_facts(page, filters), **facts)


def _facts(page: JobListPage, filters: Filters) -> dict[str, object]:
    chosen = {
        "state": filters.state or None,
        "task": filters.task or None,
        "mine": None if filters.owner is None or not visitors.sees_others() else "1",
        "q": filters.words or None,
    }
    asked: dict[str, Any] = {**chosen, "after": request.args.get("after") or None}
    return {
        "jobs": page,
        "chosen": chosen,
        "is_filtered": any(chosen.values()),
        "after": asked["after"],
        "address": lambda **changed: url_for("asyncinweb.jobs", **{**chosen, **changed}),
        "as_json": url_for("asyncinweb.jobs_json", **asked),
        "as_csv": url_for("asyncinweb.jobs_csv", **asked),
    }


def filters_asked_for() -> Filters:
    """The filters in the address."""
    state = request.args.get("state") or None
    if state is not None and state not in STATES:
        abort(400, f"There's no state {state!r}. The states are {', '.join(STATES)}.")
    mine = request.args.get("mine") == "1"
    return Filters(
        state=next((each for each in STATES if each == state), None),
        task=request.args.get("task") or None,
        owner=visitors.listed_owner(visitors.current(), mine=mine),
        words=request.args.get("q", "").strip()[:MOST_WORDS],
    )


def listing(page: Page) -> JobListPage:
    """A page of jobs as shown."""
    rows = [JobRow(job, mood_of(job), percent_done(job)) for job in page.jobs]
    seen = [(row.job.slug, row.mood, row.job.claim_no, row.percent) for row in rows]
    poll, version = every(installation().settings.poll_seconds), fingerprint(seen, page.next_after)
    return JobListPage(rows, page.next_after, page.searched_until, poll, version)

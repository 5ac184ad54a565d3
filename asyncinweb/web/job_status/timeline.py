"""A job's life in four steps: created, waited, ran, ended. Past, current and future ones."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from asyncinweb.queue.models import Job
from asyncinweb.states import WAITING
from asyncinweb.web.job_status.status import word_of


@dataclass(frozen=True)
class Step:
    """One step. at: when; seconds: how long it took; since: when the current step began."""

    name: Literal["created", "waited", "ran", "ended"]
    word: str
    phase: Literal["past", "now", "ahead"]
    at: datetime | None = None
    seconds: float | None = None
    since: datetime | None = None
    note: str = ""


def timeline(job: Job) -> list[Step]:
    """The four steps of a job; without the run if it was stopped before it began."""
    created = Step("created", "Created", "past", at=job.created_at)
    steps = [created, _waited(job), *_ran(job), _ended(job)]
    return [step for step in steps if step is not None]


def _waited(job: Job) -> Step | None:
    if job.state in WAITING:
        # A job that comes back has waited since its last attempt ended, which its row does not say.
        return Step("waited", "Waiting", "now", since=job.created_at if job.attempts == 0 else None)
    until = job.started_at or job.finished_at
    if until is None or job.attempts > 1:
        return None
    return Step("waited", "Waited", "past", seconds=max(0.0, (until - job.created_at).total_seconds()))


def _ran(job: Job) -> list[Step]:
    note = _attempt(job)
    if job.state in WAITING:
        return [Step("ran", "Run", "ahead")]
    if job.started_at is None:
        return []
    if job.finished_at is None:
        return [Step("ran", "Running", "now", since=job.started_at, note=note)]
    return [Step("ran", "Ran", "past", seconds=job.duration_seconds, note=note)]


def _attempt(job: Job) -> str:
    if job.attempts <= 1:
        return ""
    return f"attempt {job.attempts} of {job.max_attempts}" if job.max_attempts > 1 else f"attempt {job.attempts}"


def _ended(job: Job) -> Step:
    if job.finished_at is None:
        return Step("ended", "Done", "ahead")
    return Step("ended", word_of(job), "past", at=job.finished_at)

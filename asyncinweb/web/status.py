"""What a job's page says about the job, as facts: its mood, its place in line, how soon to look again.

`version` stands for everything the fragment shows except what ticks by itself, so that a poll can be answered
with 204 without rendering anything.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy.orm import Session

from asyncinweb import clock
from asyncinweb.queue.models import Job
from asyncinweb.queue.reading import count_running, count_workers, place_in_line
from asyncinweb.states import WAITING
from asyncinweb.web.shared import fingerprint

Mood = Literal["scheduled", "retrying", "queued", "processing", "stopping", "completed", "failed", "cancelled"]
WORDS: dict[Mood, str] = {
    "scheduled": "Scheduled",
    "retrying": "Waiting to retry",
    "queued": "Waiting",
    "processing": "Running",
    "stopping": "Stopping…",
    "completed": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
# A young job is looked at every second, so that a quick one is seen quickly.
YOUNG = timedelta(seconds=15)
QUICK_SECONDS = 1.0


@dataclass(frozen=True)
class Line:
    """What stands between a waiting job and its start."""

    place: int | None
    has_workers: bool
    are_all_busy: bool
    is_known_task: bool
    is_due: bool


@dataclass(frozen=True)
class Status:
    """A job at one moment. `line`: only while it waits. `poll`: htmx trigger, empty when nothing will change."""

    job: Job
    mood: Mood
    line: Line | None
    poll: str
    version: str

    @property
    def word(self) -> str:
        return WORDS[self.mood]

    @property
    def percent(self) -> int | None:
        """Share of the work that is done, 0 to 100; None if the task does not say."""
        return percent_done(self.job)

    def was_mood(self, version: str) -> bool:
        """True if a fragment of this version showed the same mood."""
        return version.partition(".")[0] == self.mood


def status_of(session: Session, job: Job, is_known_task: bool, poll_seconds: float) -> Status:
    """Facts about a job: for one that runs nothing is read but the job itself."""
    mood = mood_of(job)
    line = _line(session, job, is_known_task) if job.state in WAITING else None
    poll = "" if job.is_final else every(poll_interval(job, poll_seconds))
    return Status(job, mood, line, poll, f"{mood}.{_fingerprint(job, line, poll)}")


def mood_of(job: Job) -> Mood:
    """The state, told apart where a visitor sees a difference."""
    if job.state == "scheduled" and job.attempts > 0:
        return "retrying"
    if job.state == "processing" and job.cancel_requested_at is not None:
        return "stopping"
    return job.state


def percent_done(job: Job) -> int | None:
    """See `Status.percent`."""
    if job.progress_done is None or not job.progress_total:
        return None
    return max(0, min(100, int(100 * job.progress_done / job.progress_total)))


def poll_interval(job: Job, poll_seconds: float) -> float:
    """Seconds until a page that shows this job looks again."""
    newest = max(filter(None, (job.created_at, job.started_at)))
    is_young = clock.now() - newest < YOUNG and not _starts_later(job)
    return min(QUICK_SECONDS, poll_seconds) if is_young else poll_seconds


def every(seconds: float) -> str:
    """htmx's trigger for a poll."""
    return f"every {seconds:g}s"


def _starts_later(job: Job) -> bool:
    return job.run_at is not None and job.run_at - clock.now() > YOUNG


def _line(session: Session, job: Job, is_known_task: bool) -> Line:
    workers = count_workers(session)
    return Line(
        place=place_in_line(session, job),
        has_workers=workers > 0,
        are_all_busy=count_running(session) >= workers,
        is_known_task=is_known_task,
        is_due=_is_due(job.run_at),
    )


def _is_due(run_at: datetime | None) -> bool:
    return run_at is None or run_at <= clock.now()


def _fingerprint(job: Job, line: Line | None, poll: str) -> str:
    progress = (job.progress_done, job.progress_total, job.progress_text)
    return fingerprint(job.slug, job.claim_no, progress, job.error, job.run_at, poll, line and vars(line))

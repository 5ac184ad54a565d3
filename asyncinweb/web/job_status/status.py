"""What a job's page says about the job, as facts: its mood, why it waits, the time left, how soon to poll again.

`version` stands for everything the fragment shows except what ticks by itself, so that a poll can be answered with
204 without rendering.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection

from asyncinweb import clock
from asyncinweb.queue.estimates import Usual, rest_of
from asyncinweb.queue.models import Job
from asyncinweb.states import WAITING
from asyncinweb.web.installation import Installation
from asyncinweb.web.job_status.eta_text import time_left
from asyncinweb.web.job_status.liveness import Liveness, liveness_of
from asyncinweb.web.job_status.waiting import Wait, wait_of
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
STOPPED = "Stopped"
# A young job is polled every second, so that a quick one shows its result quickly.
YOUNG = timedelta(seconds=15)
QUICK_SECONDS = 1.0


@dataclass(frozen=True)
class RunFacts:
    """A job that runs.

    left: the time left in words, "" if unknown. is_late: it takes longer than `usual`. killed_at: when its process
    is ended if it does not stop, None if no stop was requested. is_forced: that time has passed.
    """

    left: str
    is_late: bool
    usual: Usual | None
    liveness: Liveness | None
    killed_at: datetime | None
    is_forced: bool


@dataclass(frozen=True)
class Status:
    """A job at one moment. wait: only while it waits; run: only while it runs. poll: htmx trigger, empty if
    nothing will change. version: see the module."""

    job: Job
    mood: Mood
    wait: Wait | None
    run: RunFacts | None
    poll: str
    version: str

    @property
    def word(self) -> str:
        return word_of(self.job)

    @property
    def percent(self) -> int | None:
        """The share of the work that is done, 0 to 100; None if the task does not report it."""
        return percent_done(self.job)

    @property
    def place(self) -> int | None:
        """1 for the waiting job that starts next; None while a limit holds it back, or if it does not wait."""
        return self.wait.position.place if self.wait and self.wait.position else None

    def was_mood(self, version: str) -> bool:
        """True if a fragment of this version showed the same mood."""
        return version.partition(".")[0] == self.mood


def status_of(connection: Connection, installation: Installation, job: Job) -> Status:
    """Facts about a job. For a running job with signs of life, only the job itself is read."""
    mood = mood_of(job)
    wait = wait_of(connection, installation, job) if job.state in WAITING else None
    run = _run_of(connection, installation, job) if job.state == "processing" else None
    poll = "" if job.is_final else every(poll_interval(job, installation.settings.poll_seconds))
    return Status(job, mood, wait, run, poll, f"{mood}.{_fingerprint(job, wait, run, poll)}")


def mood_of(job: Job) -> Mood:
    """The state, split where visitors see a difference."""
    if job.state == "scheduled" and job.attempts > 0:
        return "retrying"
    if job.state == "processing" and job.cancel_requested_at is not None:
        return "stopping"
    return job.state


def word_of(job: Job) -> str:
    """The state in one word. A job cancelled while it ran was stopped."""
    was_stopped = job.state == "cancelled" and job.cancel_requested_at is not None
    return STOPPED if was_stopped else WORDS[mood_of(job)]


def percent_done(job: Job) -> int | None:
    """See `Status.percent`."""
    if job.progress_done is None or not job.progress_total:
        return None
    # Two finite figures may have a share that is not.
    return int(100 * max(0.0, min(1.0, job.progress_done / job.progress_total)))


def poll_interval(job: Job, poll_seconds: float) -> float:
    """Seconds until a page that shows this job polls again."""
    newest = max(filter(None, (job.created_at, job.started_at, job.cancel_requested_at, job.partial_at)))
    is_young = clock.now() - newest < YOUNG and not _starts_later(job)
    return min(QUICK_SECONDS, poll_seconds) if is_young or _starts_soon(job) else poll_seconds


def every(seconds: float) -> str:
    """htmx's trigger for a poll. Whole numbers only: htmx 4 reads "0.3s" as no pause at all."""
    return f"every {seconds:.0f}s" if seconds.is_integer() else f"every {seconds * 1000:.0f}ms"


def _starts_later(job: Job) -> bool:
    return job.run_at is not None and job.run_at - clock.now() > YOUNG


def _starts_soon(job: Job) -> bool:
    return job.run_at is not None and abs(job.run_at - clock.now()) < YOUNG


def _run_of(connection: Connection, installation: Installation, job: Job) -> RunFacts:
    usual = installation.usual_times.of_job(connection, job)
    rest = rest_of(job, usual, clock.now())
    killed_at = _killed_at(job, installation.settings.kill_after_seconds)
    return RunFacts(
        left=time_left(rest.range) if rest.range else "",
        is_late=rest.is_late,
        usual=None if usual is None or usual.differs_widely else usual,
        liveness=liveness_of(connection, installation, job),
        killed_at=killed_at,
        is_forced=killed_at is not None and clock.now() > killed_at,
    )


def _killed_at(job: Job, kill_after_seconds: float) -> datetime | None:
    asked = job.cancel_requested_at
    return None if asked is None else asked + timedelta(seconds=kill_after_seconds)


def _fingerprint(job: Job, wait: Wait | None, run: RunFacts | None, poll: str) -> str:
    progress = (job.progress_done, job.progress_total, job.progress_text, job.partial_no)
    shown = wait.fingerprint if wait else run and (run.left, run.is_late, run.liveness, run.is_forced)
    return fingerprint(job.slug, job.claim_no, progress, job.error, job.run_at, poll, shown)

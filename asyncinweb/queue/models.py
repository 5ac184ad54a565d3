"""The tables: jobs and what belongs to them. Columns, checks and indexes; no verbs.

What they are made of is in `columns`.
"""

import json
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import (
    CheckConstraint,
    Index,
    String,
    column,
    event,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from asyncinweb import clock
from asyncinweb.errors import UnknownJob
from asyncinweb.queue import damaged_rows
from asyncinweb.queue.columns import (
    HAS_ENDED_WITHOUT_EXPIRY,
    IS_FINAL,
    IS_PROCESSING,
    IS_QUEUED,
    IS_SCHEDULED,
    IS_UNFINISHED,
    IS_WAITING,
    Base,
    in_states,
)
from asyncinweb.queue.stored_values import value_in
from asyncinweb.states import (
    ATTEMPT_REASONS,
    FINAL,
    REASONS,
    SHOW_PARTIAL_RESULTS,
    STATES,
    AttemptReason,
    CrashPolicy,
    Reason,
    State,
)

# Pause between two polls of a job that a program waits for.
LOOK_SECONDS = 0.1


class JobStore(Protocol):
    """Where jobs can be looked up."""

    def job(self, slug: str) -> "Job": ...
    def has_ended(self, slug: str) -> bool: ...


class Job(Base):
    """One request to run a task once. `slug` is its public name; `id` never leaves the server."""

    __tablename__ = "asyncinweb_jobs"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(32), info={"stand_in": "-"})
    task: Mapped[str]
    arguments: Mapped[str] = mapped_column(info={"is_json_object": True, "stand_in": "{}"})
    owner: Mapped[str] = mapped_column(default="")
    state: Mapped[State] = mapped_column(String(16), info={"one_of": STATES, "stand_in": "failed"})
    reason: Mapped[Reason | None] = mapped_column(String(24), info={"one_of": REASONS})
    error: Mapped[str | None]
    traceback: Mapped[str | None]
    # The author's line at which it failed, as JSON: see `tasks.outcome.SourceLine`.
    source_line: Mapped[str | None]
    result: Mapped[str | None]

    priority: Mapped[int] = mapped_column(default=0)
    rank: Mapped[int | None]
    unique_key: Mapped[str | None]
    idempotency_key: Mapped[str | None]
    rerun_of: Mapped[str | None] = mapped_column(String(32))

    created_at: Mapped[datetime]
    run_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]

    attempts: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int] = mapped_column(default=1)
    crashes: Mapped[int] = mapped_column(default=0)
    interruptions: Mapped[int] = mapped_column(default=0)
    claim_no: Mapped[int] = mapped_column(default=0)
    worker_id: Mapped[str | None] = mapped_column(String(40))
    timeout_seconds: Mapped[float | None]
    on_crash: Mapped[CrashPolicy] = mapped_column(
        String(8), default="rerun", info={"one_of": ("rerun", "fail"), "stand_in": "fail"}
    )
    keep_days: Mapped[float | None]
    expires_at: Mapped[datetime | None]

    progress_done: Mapped[float | None]
    progress_total: Mapped[float | None]
    progress_text: Mapped[str | None]
    reported_at: Mapped[datetime | None]
    # The time left by the run's own rate, counted from `reported_at`.
    seconds_left_low: Mapped[float | None]
    seconds_left_high: Mapped[float | None]
    # Which supervisor's plan made it; see `planned_runs`.
    planned_by: Mapped[str | None] = mapped_column(String(40))

    # The last value that a generator has yielded in this attempt, its number (from 1), and when it was written.
    partial_no: Mapped[int | None]
    partial_at: Mapped[datetime | None]
    partial_result: Mapped[str | None]

    __table_args__ = (
        CheckConstraint(in_states(STATES), name="known_state"),
        CheckConstraint(f"(finished_at IS NOT NULL) = ({IS_FINAL})", name="finished_when_final"),
        CheckConstraint(f"(worker_id IS NOT NULL) = ({IS_PROCESSING})", name="worker_when_processing"),
        CheckConstraint("(reason IS NOT NULL) = (state = 'failed')", name="reason_when_failed"),
        CheckConstraint("attempts >= 0 AND interruptions >= 0 AND crashes >= 0", name="counts"),
        Index("asyncinweb_jobs_slug", "slug", unique=True),
        # The order of claims, with the columns that a claim filters by, so that skipping blocked jobs reads no
        # rows. The state comes first, because the planner would otherwise prefer asyncinweb_jobs_state and sort.
        Index(
            "asyncinweb_jobs_claim",
            "state",
            column("priority").desc(),
            "rank",
            "id",
            "task",
            "owner",
            sqlite_where=text(IS_QUEUED),
        ),
        # The state first, for the same reason.
        Index(
            "asyncinweb_jobs_due",
            "state",
            "run_at",
            sqlite_where=text(IS_SCHEDULED),
        ),
        Index(
            "asyncinweb_jobs_waiting_of_owner",
            "owner",
            "priority",
            "rank",
            sqlite_where=text(IS_WAITING),
        ),
        Index(
            "asyncinweb_jobs_unique_key",
            "unique_key",
            unique=True,
            sqlite_where=text(f"unique_key IS NOT NULL AND {IS_UNFINISHED}"),
        ),
        Index(
            "asyncinweb_jobs_idempotency_key",
            "owner",
            "idempotency_key",
            unique=True,
            sqlite_where=text("idempotency_key IS NOT NULL"),
        ),
        Index("asyncinweb_jobs_state", "state", "id"),
        Index("asyncinweb_jobs_task", "task", "id"),
        Index("asyncinweb_jobs_owner", "owner", "id"),
        Index(
            "asyncinweb_jobs_finished",
            "finished_at",
            sqlite_where=text(HAS_ENDED_WITHOUT_EXPIRY),
        ),
        Index(
            "asyncinweb_jobs_expiry",
            "expires_at",
            sqlite_where=text("expires_at IS NOT NULL"),
        ),
        # Ids must never be reused after a prune: a job's claim would be mistaken for another's.
        {"sqlite_autoincrement": True},
    )

    @property
    def is_final(self) -> bool:
        """True once nothing about this job will change any more."""
        return self.state in FINAL

    @property
    def duration_seconds(self) -> float | None:
        """How many seconds the last attempt ran; None before it ended."""
        if self.started_at is None or self.finished_at is None:
            return None
        if clock.UNREADABLE in (self.started_at, self.finished_at):
            return None
        return max(0.0, (self.finished_at - self.started_at).total_seconds())

    @property
    def damaged(self) -> tuple[str, ...]:
        """The columns whose stored values can't be read; what stands in for them says nothing."""
        columns: tuple[str, ...] = self.__dict__.get("_damaged", ())
        return columns

    def mark_damaged(self, columns: tuple[str, ...]) -> None:
        """Remember columns that can't be read, and name them in the log."""
        if columns:
            self.__dict__["_damaged"] = tuple(dict.fromkeys((*self.damaged, *columns)))
            damaged_rows.name_in_log(f"job {self.slug}", self.damaged)

    @property
    def arguments_by_name(self) -> dict[str, Any]:
        """The stored arguments in JSON's own types."""
        stored: dict[str, Any] = json.loads(self.arguments)
        return stored

    @property
    def value(self) -> Any:
        """What the task returned, in JSON's own types; for a value stored as a file, facts about that file. None
        until the job is completed."""
        return self._value_in("result")

    @property
    def partial_value(self) -> Any:
        """Like `value`: the last value that a running task has yielded, or had yielded before it failed or was
        stopped."""
        return self._value_in("partial_result") if self.state in SHOW_PARTIAL_RESULTS else None

    def _value_in(self, column: str) -> Any:
        try:
            return value_in(getattr(self, column))
        except damaged_rows.MISSHAPEN:
            self.mark_damaged((column,))
            return None

    # --- asking for news ----------------------------------------------------------------------------------------

    def known_to(self, store: JobStore) -> "Job":
        """The same job, which can now be asked for news."""
        self.__dict__["_store"] = store
        return self

    def latest(self) -> "Job":
        """The job as it is now. Raises UnknownJob if it has been deleted."""
        return self._known_store.job(self.slug)

    def wait(self, timeout: float | None = None) -> "Job":
        """The job as it is when it has ended. Raises TimeoutError after `timeout` seconds, and UnknownJob.

        A task that waits for another job keeps its worker busy: with a single worker, that job never starts.
        """
        store = self._known_store
        end = None if timeout is None else clock.monotonic() + timeout
        while not store.has_ended(self.slug):
            left = LOOK_SECONDS if end is None else end - clock.monotonic()
            if left <= 0:
                raise TimeoutError(f"Job {self.slug} has not ended within {timeout:g} s.")
            time.sleep(min(LOOK_SECONDS, left))
        return self.latest()

    @property
    def _known_store(self) -> JobStore:
        store: JobStore | None = self.__dict__.get("_store")
        if store is None:
            raise UnknownJob(
                f"Job {self.slug} can only be refreshed on the object that enqueue returned, not on a copy."
            )
        return store

    def __getstate__(self) -> dict[str, Any]:
        # A copy of the job in another process cannot use this process's database.
        return {name: value for name, value in self.__dict__.items() if name != "_store"}

    def __repr__(self) -> str:
        return f"<Job {self.slug} {self.task} {self.state}>"


class Attempt(Base):
    """An attempt that ended while its job continued. The job row itself describes the last attempt."""

    __tablename__ = "asyncinweb_attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int]
    number: Mapped[int]
    claim_no: Mapped[int]
    worker_id: Mapped[str | None] = mapped_column(String(40))
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime]
    reason: Mapped[AttemptReason] = mapped_column(
        String(24), info={"one_of": ATTEMPT_REASONS, "stand_in": "error"}
    )
    error: Mapped[str | None]
    traceback: Mapped[str | None]

    __table_args__ = (Index("asyncinweb_attempts_job", "job_id", "id"),)


JOB_RULES = damaged_rows.rules_of(Job.__table__)  # type: ignore[arg-type]
_ATTEMPT_RULES = damaged_rows.rules_of(Attempt.__table__)  # type: ignore[arg-type]


def job_from(values: Mapping[Any, Any]) -> Job:
    """A job of a row's values as a statement gives them, as if it had been loaded."""
    job, mended = Job(), dict(values)
    damaged = damaged_rows.mend(mended, JOB_RULES)
    # Setting thirty attributes one by one would take longer than reading them.
    job.__dict__.update(mended)
    job.mark_damaged(damaged)
    return job


# The second comes when a list's job is asked for what lists leave out.
@event.listens_for(Job, "load")
@event.listens_for(Job, "refresh")
def _mend_job(job: Job, *_: object) -> None:
    job.mark_damaged(damaged_rows.mend(job.__dict__, JOB_RULES))


@event.listens_for(Attempt, "load")
def _mend_attempt(attempt: Attempt, *_: object) -> None:
    damaged_rows.mend(attempt.__dict__, _ATTEMPT_RULES)

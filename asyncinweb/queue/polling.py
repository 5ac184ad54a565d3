"""Queries that workers and supervisors run all the time, in the cheapest form: prepared, through
`Database.glance`. Nothing here changes anything."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, text

from asyncinweb.queue.claims import ClaimScope
from asyncinweb.queue.columns import IS_PROCESSING, IS_SCHEDULED
from asyncinweb.queue.models import Job
from asyncinweb.queue.stores.prepared import Prepared
from asyncinweb.states import FINAL
from asyncinweb.tasks.clean_values import finite


def has_work(connection: Connection, scope: ClaimScope, now: datetime) -> bool:
    """True if a claim would find a job. An idle worker asks this before it claims, to avoid a pointless write."""
    return bool(_DUE.rows(connection, now=now) or scope.next.rows(connection))


_DUE = Prepared(
    select(Job.id).where(text(IS_SCHEDULED), Job.run_at <= bindparam("now", type_=Job.run_at.type)).limit(1)
)


def has_ended(connection: Connection, slug: str) -> bool:
    """True for a job that has ended or has been deleted."""
    row = _STATE.row(connection, slug=slug)
    return row is None or row[0] in FINAL


_STATE = Prepared(select(Job.state).where(Job.slug == bindparam("slug")))


@dataclass(frozen=True)
class LiveClaim:
    """What a worker needs to know about the job it is running."""

    cancel_requested: bool


def live_claim(connection: Connection, job_id: int, claim_no: int) -> LiveClaim | None:
    """The state of a claim; None if it is no longer the live one."""
    rows = _LIVE_CLAIM.rows(connection, job_id=job_id, mine=claim_no)
    return LiveClaim(cancel_requested=bool(rows[0][0])) if rows else None


_LIVE_CLAIM = Prepared(
    select(Job.cancel_requested_at.is_not(None)).where(
        Job.id == bindparam("job_id"), Job.claim_no == bindparam("mine"), text(IS_PROCESSING)
    )
)


@dataclass(frozen=True)
class HeldJob:
    """A running job, as a supervisor watches it."""

    job_id: int
    claim_no: int
    worker_id: str
    timeout_seconds: float | None
    cancel_requested: bool


def held_jobs(connection: Connection) -> list[HeldJob]:
    """All running jobs."""
    return [
        HeldJob(job_id, claim_no, worker_id, finite(timeout_seconds), bool(asked))
        for job_id, claim_no, worker_id, timeout_seconds, asked in _HELD.rows(connection)
    ]


_HELD = Prepared(
    select(Job.id, Job.claim_no, Job.worker_id, Job.timeout_seconds, Job.cancel_requested_at.is_not(None)).where(
        text(IS_PROCESSING)
    )
)

"""What the verbs do to a row: finding the live one, ending it, queueing it again, keeping an attempt. No guards of
their own but the fence; the verbs are in `transitions`."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Float, func, insert, literal, select, update

from asyncinweb import clock
from asyncinweb.queue import ranks
from asyncinweb.queue.claims import PROCESSING, Claim
from asyncinweb.queue.models import Attempt, Job, job_from
from asyncinweb.states import AttemptReason, State

# A century: further ahead a date may not exist.
LONGEST_KEEP_DAYS = 36_500.0
# One row that breaks a check of the table would keep all others from being claimed.
SOUND_COUNTS: dict[str, Any] = {"crashes": func.abs(Job.crashes), "interruptions": func.abs(Job.interruptions)}


def cancelled_at(now: datetime) -> dict[str, Any]:
    """The row of a job that was cancelled while it waited."""
    expires_at = literal(now.timestamp(), Float) + Job.keep_days * 86_400
    return {
        "state": "cancelled",
        "finished_at": now,
        "expires_at": expires_at,
        "rank": None,
        "run_at": None,
        "reason": None,
        "worker_id": None,
        "attempts": func.abs(Job.attempts),
        **SOUND_COUNTS,
    }


def live_row(connection: Connection, held: Claim) -> Job | None:
    """The row of a claim that is still the live one, locked."""
    row = connection.execute(
        select(Job.__table__)
        .where(Job.id == held.job_id, PROCESSING, Job.claim_no == held.claim_no)
        .with_for_update()
    ).one_or_none()
    return None if row is None else job_from(row._mapping)


def set_held(connection: Connection, job: Job, **values: object) -> bool:
    changed = connection.execute(
        update(Job).where(Job.id == job.id, PROCESSING, Job.claim_no == job.claim_no).values(**values)
    )
    return changed.rowcount == 1


def end(connection: Connection, job: Job, state: State, **values: object) -> bool:
    now = clock.now()
    expires_at = None if job.keep_days is None else now + timedelta(days=min(job.keep_days, LONGEST_KEEP_DAYS))
    return set_held(connection, job, state=state, worker_id=None, finished_at=now, expires_at=expires_at, **values)


def queue_again(connection: Connection, job: Job, **values: object) -> bool:
    rank = ranks.now_served(connection, job.priority)
    return set_held(connection, job, state="queued", worker_id=None, rank=rank, **values)


def remember_attempt(
    connection: Connection, job: Job, reason: AttemptReason, error: str, traceback: str | None
) -> None:
    connection.execute(
        insert(Attempt).values(
            job_id=job.id,
            number=job.attempts,
            claim_no=job.claim_no,
            worker_id=job.worker_id,
            started_at=job.started_at,
            ended_at=clock.now(),
            reason=reason,
            error=error,
            traceback=traceback,
        )
    )

"""The verbs that delete jobs: after their retention period, and by hand if a row is damaged. Like all verbs they
leave the commit to the caller, who also deletes the folders."""

from datetime import timedelta

from sqlalchemy import Connection, delete, select, text

from asyncinweb import clock
from asyncinweb.queue.columns import HAS_ENDED_WITHOUT_EXPIRY
from asyncinweb.queue.models import Attempt, Job, job_from
from asyncinweb.states import FINAL

# Small, so that a caller can stop when its time is up.
PRUNE_AT_ONCE = 20


def delete_damaged(connection: Connection, slug: str) -> bool:
    """any state but processing -> gone, for a job whose row can't be read. False for any other job. The caller
    deletes its folder."""
    row = connection.execute(select(Job.__table__).where(Job.slug == slug)).one_or_none()
    job = None if row is None else job_from(row._mapping)
    if job is None or job.state == "processing" or not job.damaged:
        return False
    connection.execute(delete(Attempt).where(Attempt.job_id == job.id))
    return connection.execute(delete(Job).where(Job.id == job.id)).rowcount == 1


def prune(connection: Connection, keep_days: float) -> list[str]:
    """completed, failed, cancelled -> gone, for at most PRUNE_AT_ONCE jobs that are past their retention period.
    The slugs of the pruned jobs, whose folders the caller deletes.

    keep_days: for jobs whose task has no retention of its own.
    """
    now = clock.now()
    of_own = select(Job.id, Job.slug).where(Job.expires_at <= now).order_by(Job.expires_at)
    by_age = (
        select(Job.id, Job.slug)
        .where(text(HAS_ENDED_WITHOUT_EXPIRY), Job.finished_at <= now - timedelta(days=keep_days))
        .order_by(Job.finished_at)
    )
    rows = connection.execute(of_own.limit(PRUNE_AT_ONCE)).all()
    rows = [*rows, *connection.execute(by_age.limit(PRUNE_AT_ONCE - len(rows)))]
    ids = [row.id for row in rows]
    if ids:
        connection.execute(delete(Attempt).where(Attempt.job_id.in_(ids)))
        connection.execute(delete(Job).where(Job.id.in_(ids), Job.state.in_(FINAL)))
    return [row.slug for row in rows]

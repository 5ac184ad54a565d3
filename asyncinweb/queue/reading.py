"""Queries about jobs: one job, its attempts, counts. Nothing here changes anything."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, func, select
from sqlalchemy.orm import Session

from asyncinweb import clock
from asyncinweb.queue.columns import UtcTime
from asyncinweb.queue.damaged_rows import MISSHAPEN, stored_json
from asyncinweb.queue.estimates import usual_of
from asyncinweb.queue.models import Attempt, Job, job_from
from asyncinweb.queue.stores.prepared import Prepared
from asyncinweb.tasks.outcome import SourceLine


def find_job(session: Session, slug: str) -> Job | None:
    """The job with this public name."""
    return session.scalar(select(Job).where(Job.slug == slug))


def peek(connection: Connection, slug: str) -> Job | None:
    """The job without its large columns, read in the cheapest way, to find out whether anything has changed."""
    row = _PEEK.row(connection, slug=slug)
    if row is None:
        return None
    values = dict(zip(_PEEKED, row, strict=True))
    times = {name: clock.from_stored(values[name]) for name in _TIMES if values[name] is not None}
    return job_from(values | times)


_LARGE = ("arguments", "result", "traceback", "source_line", "partial_result")
_PEEKED = [column.name for column in Job.__table__.columns if column.name not in _LARGE]
_TIMES = [name for name in _PEEKED if isinstance(Job.__table__.c[name].type, UtcTime)]
_PEEK = Prepared(select(*(Job.__table__.c[name] for name in _PEEKED)).where(Job.slug == bindparam("slug")))


def source_line_of(job: Job) -> SourceLine | None:
    """The author's line at which a job failed; None if it failed outside a function, or before we stored this."""
    if job.source_line is None:
        return None
    try:
        return SourceLine(**stored_json(job.source_line))
    except MISSHAPEN:
        job.mark_damaged(("source_line",))
        return None


def attempts_of(session: Session, job: Job) -> Sequence[Attempt]:
    """Earlier attempts, oldest first."""
    return session.scalars(select(Attempt).where(Attempt.job_id == job.id).order_by(Attempt.id)).all()


def usual_seconds(session: Session, task: str) -> float | None:
    """Median duration of the task's last successful runs; None if they are too few or differ widely."""
    usual = usual_of(session.connection(bind_arguments={"mapper": Job}), task)
    return usual.median if usual and not usual.differs_widely else None


def count_running(session: Session) -> int:
    """The number of running jobs."""
    return session.scalar(select(func.count()).select_from(Job).where(Job.state == "processing")) or 0

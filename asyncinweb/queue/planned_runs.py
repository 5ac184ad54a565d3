"""The verbs for runs started by the clock: the next run of each schedule waits as a scheduled job.

`planned_by` names the instance folder whose supervisor planned the run. Only that supervisor withdraws it, once
its plan no longer contains the run; another supervisor's plan is left alone.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, or_, select, text, update

from asyncinweb import clock
from asyncinweb.errors import IdempotencyConflict
from asyncinweb.queue.columns import IS_WAITING
from asyncinweb.queue.models import Job
from asyncinweb.queue.row_changes import cancelled_at
from asyncinweb.queue.submitting import NewJob, enqueue

KEY_START = "cron "
WITHDRAWN = "The schedule that planned this run was changed or removed."


def plan(connection: Connection, planner: str, new: NewJob, run_at: datetime) -> bool:
    """- -> scheduled. False if this run is or was already planned: its key makes it unique, however many
    supervisors have the same schedule."""
    key = f"{KEY_START}{new.task} {run_at:%Y-%m-%dT%H:%MZ}"
    try:
        return enqueue(connection, replace(new, run_at=run_at, idempotency_key=key, planned_by=planner))[1]
    except IdempotencyConflict:
        # Planned by another supervisor, with other defaults of the task.
        return False


def waiting_runs(connection: Connection, planner: str) -> Sequence[Row[Any]]:
    """The planned runs that have not started and belong to this planner, or date from before planners had
    names."""
    is_nameless = Job.planned_by.is_(None) & Job.idempotency_key.startswith(KEY_START)
    mine = or_(Job.planned_by == planner, is_nameless)
    return connection.execute(
        select(Job.__table__).where(text(IS_WAITING), Job.attempts == 0, mine).order_by(Job.id)
    ).all()


def withdraw(connection: Connection, job_id: int) -> bool:
    """scheduled or queued -> cancelled: a planned run whose schedule has changed. False if it has started.

    Its key becomes free, for the same moment in another plan.
    """
    values = {**cancelled_at(clock.now()), "idempotency_key": None, "error": WITHDRAWN}
    withdrawn = connection.execute(
        update(Job).where(Job.id == job_id, text(IS_WAITING), Job.attempts == 0).values(**values)
    )
    return withdrawn.rowcount == 1

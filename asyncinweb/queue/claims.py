"""What a claim is, and which jobs a worker may claim, in which order. The verb itself is in `transitions`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select, text

from asyncinweb.queue.columns import IS_PROCESSING, IS_QUEUED
from asyncinweb.queue.models import Job
from asyncinweb.queue.stores.prepared import Prepared

QUEUED, PROCESSING = text(IS_QUEUED), text(IS_PROCESSING)


@dataclass(frozen=True)
class Claim:
    """The right to work on a job. A worker gets it from `claim` and names it in every write."""

    job_id: int
    claim_no: int
    slug: str = ""
    task: str = ""
    arguments: str = "{}"
    attempt: int = 0
    timeout_seconds: float | None = None
    # Columns of its row that can't be read: such a job is not run.
    damaged: tuple[str, ...] = ()


class ClaimScope:
    """What one worker may claim: the names of the tasks it knows, and the limits that bind it.

    concurrency: for a task's name, how many of it may run at once, everywhere.
    max_running_per_owner: how many jobs of one owner may run at once.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        worker_id: str,
        concurrency: dict[str, int] | None = None,
        max_running_per_owner: int | None = None,
    ) -> None:
        self.worker_id = worker_id
        # With coalesce. Without it, SQLite's planner picks the index on tasks and sorts all waiting jobs (400
        # claims/s instead of 1,000 with 6,000 jobs waiting).
        conditions: list[ColumnElement[bool]] = [func.coalesce(Job.task, "").in_(sorted(tasks))]
        conditions += [_below_limit(name, limit) for name, limit in sorted((concurrency or {}).items())]
        if max_running_per_owner is not None:
            conditions.append(Job.owner.not_in(_owners_at_limit(max_running_per_owner)))
        candidates = (
            select(*(getattr(Job, name) for name in CLAIMED))
            .where(QUEUED, *conditions)
            .order_by(Job.priority.desc(), Job.rank, Job.id)
            .limit(1)
        )
        self.next = Prepared(candidates)


CLAIMED = ("id", "claim_no", "slug", "task", "arguments", "attempts", "timeout_seconds")


def _below_limit(task: str, limit: int) -> ColumnElement[bool]:
    # With coalesce here too. Without it, counting the running jobs would read all jobs the task ever had.
    is_task = func.coalesce(Job.task, "") == task
    running = select(func.count()).select_from(Job).where(PROCESSING, is_task).correlate(None)
    return (Job.task != task) | (running.scalar_subquery() < limit)


def _owners_at_limit(limit: int) -> Any:
    # The empty owner is the program itself, to which visitors' limits do not apply.
    owner = func.coalesce(Job.owner, "")  # or all jobs would be read along asyncinweb_jobs_owner
    return select(owner).where(PROCESSING, Job.owner != "").group_by(owner).having(func.count() >= limit)

"""Reading the queue as it is at one moment: waiting jobs, running jobs, and what living workers can take."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Float, bindparam, func, select, text, type_coerce

from asyncinweb import clock
from asyncinweb.queue import ranks
from asyncinweb.queue.claims import PROCESSING, QUEUED
from asyncinweb.queue.columns import IS_SCHEDULED
from asyncinweb.queue.models import Job
from asyncinweb.queue.position import Limits, QueueSnapshot, Running, Waiting
from asyncinweb.queue.process_registry import database_now
from asyncinweb.queue.process_rows import SupervisorRow, TaskRow, WorkerRow
from asyncinweb.queue.stores.prepared import Prepared
from asyncinweb.queue.transitions import PROMOTE_AT_ONCE
from asyncinweb.states import WAITING
from asyncinweb.tasks.clean_values import finite

# We count no further: the page says "more than", and a poll stays cheap however long the queue is.
MOST_COUNTED = 1000


def take_snapshot(connection: Connection, lease_seconds: float) -> QueueSnapshot:
    """The queue now: queued jobs, and due ones that the next claim will queue. The connection must be in a
    transaction, so that everything is from one moment.

    lease_seconds: a supervisor counts as alive this long after its last heartbeat.
    """
    queued = [Waiting.of(*row) for row in _QUEUED.rows(connection)]
    waiting = sorted([*queued, *_fallen_due(connection, clock.now())], key=lambda each: each.key)
    workers = count_living_workers(connection, lease_seconds)
    return QueueSnapshot(
        waiting=waiting[:MOST_COUNTED],
        running=[Running(task, owner, finite(began) or 0.0) for task, owner, began in _RUNNING.rows(connection)],
        is_cut=len(waiting) > MOST_COUNTED,
        limits=living_limits(connection, lease_seconds),
        workers=workers,
        is_starting=not workers and is_starting_workers(connection, lease_seconds),
    )


def places_of(connection: Connection, jobs: Sequence[Job], lease_seconds: float) -> dict[int, int]:
    """The places of the waiting ones among these jobs, by job id, as their pages show them. Reads nothing if none
    is waiting."""
    if not any(job.state in WAITING for job in jobs):
        return {}
    return take_snapshot(connection, lease_seconds).places()


def living_limits(connection: Connection, lease_seconds: float) -> Limits:
    """What the workers of living supervisors can take. If two supervisors differ, the stricter limit applies."""
    tasks, concurrency, of_owner = set(), dict[str, int](), list[int]()
    for name, limit, limit_of_owner in _TASKS.rows(connection, lease=lease_seconds):
        tasks.add(name)
        if limit is not None:
            concurrency[name] = min(limit, concurrency.get(name, limit))
        if limit_of_owner is not None:
            of_owner.append(limit_of_owner)
    return Limits(frozenset(tasks), concurrency, min(of_owner, default=None))


def count_living_workers(connection: Connection, lease_seconds: float) -> int:
    """Worker processes whose supervisor has sent a heartbeat within the lease."""
    row = _LIVING.row(connection, lease=lease_seconds)
    return int(row[0]) if row else 0


def is_starting_workers(connection: Connection, lease_seconds: float) -> bool:
    """True if there is a living supervisor that will have workers, whether they have started yet or not."""
    return _STARTING.row(connection, lease=lease_seconds) is not None


def is_worker_alive(connection: Connection, worker_id: str, lease_seconds: float) -> bool:
    """True if this worker is registered and its supervisor has sent a heartbeat within the lease."""
    return _LIVING_ONE.row(connection, worker=worker_id, lease=lease_seconds) is not None


def _fallen_due(connection: Connection, now: datetime) -> list[Waiting]:
    """The jobs that the next claim promotes, with the ranks it will give them (`transitions.promote_due`)."""
    last_of: dict[tuple[str, int], int] = {}
    found = []
    for job_id, priority, owner, task, attempts in _DUE.rows(connection, now=now):
        if attempts:
            rank = ranks.now_served(connection, priority)
        else:
            own = last_of.get((owner, priority), -1) + 1
            rank = last_of[owner, priority] = max(own, ranks.for_new(connection, priority, owner))
        found.append(Waiting.of(priority, rank, job_id, task, owner))
    return found


_QUEUED = Prepared(
    select(Job.priority, Job.rank, Job.id, Job.task, Job.owner)
    .where(QUEUED)
    .order_by(Job.priority.desc(), Job.rank, Job.id)
    .limit(MOST_COUNTED + 1)
)
_DUE = Prepared(
    select(Job.id, Job.priority, Job.owner, Job.task, Job.attempts)
    .where(text(IS_SCHEDULED), Job.run_at <= bindparam("now", type_=Job.run_at.type))
    .order_by(Job.run_at, Job.id)
    .limit(PROMOTE_AT_ONCE)
)
_RUNNING = Prepared(select(Job.task, Job.owner, Job.started_at).where(PROCESSING))
_IS_LIVING = type_coerce(SupervisorRow.heartbeat_at, Float) > database_now() - bindparam("lease", type_=Float)
_WITH_SUPERVISOR = SupervisorRow.id == WorkerRow.supervisor_id
_LIVING = Prepared(
    select(func.count()).select_from(WorkerRow).join(SupervisorRow, _WITH_SUPERVISOR).where(_IS_LIVING)
)
_STARTING = Prepared(select(SupervisorRow.id).where(_IS_LIVING, SupervisorRow.workers > 0).limit(1))
_LIVING_ONE = Prepared(
    select(WorkerRow.id)
    .join(SupervisorRow, _WITH_SUPERVISOR)
    .where(WorkerRow.id == bindparam("worker"), _IS_LIVING)
)
_TASKS = Prepared(
    select(TaskRow.name, TaskRow.concurrency, SupervisorRow.max_running_per_owner)
    .join(SupervisorRow, SupervisorRow.id == TaskRow.supervisor_id)
    .where(_IS_LIVING)
    .order_by(TaskRow.name, TaskRow.supervisor_id)
)

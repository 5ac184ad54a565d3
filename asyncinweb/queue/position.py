"""The position of waiting jobs, in the order in which workers will take them, and the limits that hold jobs back.

A place is what claims would give if nothing that runs now ended: a job that a limit holds back is passed over, and
of jobs that share a limit only as many count as may still start. Nothing here changes anything.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Self

from sqlalchemy import Connection, Float, bindparam, func, select, text, type_coerce

from asyncinweb import clock
from asyncinweb.queue import ranks
from asyncinweb.queue.claims import PROCESSING, QUEUED
from asyncinweb.queue.models import IS_SCHEDULED, Job, SupervisorRow, WorkerRow
from asyncinweb.queue.process_registry import database_now
from asyncinweb.queue.stores.prepared import Prepared
from asyncinweb.queue.transitions import PROMOTE_AT_ONCE
from asyncinweb.tasks.registry import Registry

# Further ahead nobody counts: the page says "more than", and a poll stays cheap however long the queue is.
MOST_COUNTED = 1000

LimitKind = Literal["task", "owner"]


@dataclass(frozen=True)
class Limits:
    """Which jobs workers may take: tasks they know, how many of a task, and of an owner, may run at once."""

    tasks: frozenset[str]
    concurrency: Mapping[str, int]
    max_running_per_owner: int | None = None

    @classmethod
    def of(cls, registry: Registry, max_running_per_owner: int | None) -> Self:
        """The limits that workers with these tasks obey."""
        limited = {
            name: task.options.concurrency
            for name, task in registry.tasks.items()
            if task.options.concurrency is not None
        }
        return cls(frozenset(registry.tasks), limited, max_running_per_owner)


@dataclass(frozen=True)
class Waiting:
    """A waiting job. Claims go by `key`."""

    key: tuple[int, int, float]
    task: str
    owner: str


@dataclass(frozen=True)
class Running:
    """A job that runs, since `started_at` (seconds since 1970)."""

    task: str
    owner: str
    started_at: float


@dataclass(frozen=True)
class QueueSnapshot:
    """Who waits, in the order of claims, and who runs. `is_cut`: there are more than MOST_COUNTED waiting."""

    waiting: Sequence[Waiting]
    running: Sequence[Running]
    is_cut: bool


@dataclass(frozen=True)
class Position:
    """Where a waiting job stands.

    ahead: what starts before it, in that order. held_by: the limit that keeps it from starting even if a worker
    is free. behind: jobs before it that wait for the same limit. is_far: more than MOST_COUNTED are ahead.
    """

    ahead: Sequence[Waiting]
    held_by: LimitKind | None = None
    limit: int = 0
    behind: int = 0
    is_far: bool = False

    @property
    def place(self) -> int | None:
        """1 for the job that starts next; None while a limit holds it or the queue is too long to count."""
        return None if self.held_by or self.is_far else len(self.ahead) + 1


def take_snapshot(connection: Connection) -> QueueSnapshot:
    """The queue now: what is queued, and what has fallen due and will be when the next worker looks."""
    rows = _QUEUED.rows(connection)
    queued = [_waiting(*row) for row in rows]
    waiting = sorted([*queued, *_fallen_due(connection, clock.now())], key=lambda each: each.key)
    running = [Running(*row) for row in _RUNNING.rows(connection)]
    return QueueSnapshot(waiting[:MOST_COUNTED], running, len(waiting) > MOST_COUNTED)


def position_of(snapshot: QueueSnapshot, limits: Limits, job_id: int) -> Position | None:
    """Where a job waits; None if it does not wait in this snapshot. Far behind if the snapshot ends before it."""
    me = next((each for each in snapshot.waiting if each.key[2] == job_id), None)
    if me is None:
        return Position((), is_far=True) if snapshot.is_cut else None
    return _position(snapshot, limits, me)


def position_of_new(connection: Connection, limits: Limits, task: str, owner: str, priority: int) -> Position:
    """Where a job of this task would stand if `owner` asked for it now."""
    rank = ranks.for_new(connection, priority, owner)
    snapshot = take_snapshot(connection)
    me = _waiting(priority, rank, float("inf"), task, owner)
    if snapshot.is_cut and me.key > snapshot.waiting[-1].key:
        return Position((), is_far=True)
    return _position(snapshot, limits, me)


def count_living_workers(connection: Connection, lease_seconds: float) -> int:
    """Worker processes whose supervisor has given a sign of life within the lease."""
    row = _LIVING.row(connection, lease=lease_seconds)
    return int(row[0]) if row else 0


def is_starting_workers(connection: Connection, lease_seconds: float) -> bool:
    """True if a supervisor is there that is to have workers, whether it has them yet or not."""
    return _STARTING.row(connection, lease=lease_seconds) is not None


def is_worker_alive(connection: Connection, worker_id: str, lease_seconds: float) -> bool:
    """True if this worker is there, and its supervisor has given a sign of life within the lease."""
    return _LIVING_ONE.row(connection, worker=worker_id, lease=lease_seconds) is not None


class _Capacity:
    """What may still start while nothing ends."""

    def __init__(self, limits: Limits, running: Iterable[Running]) -> None:
        self._limits = limits
        self._of_task: Counter[str] = Counter()
        self._of_owner: Counter[str] = Counter()
        for each in running:
            self.take(each.task, each.owner)

    def take(self, task: str, owner: str) -> None:
        self._of_task[task] += 1
        self._of_owner[owner] += 1

    def held_by(self, task: str, owner: str) -> LimitKind | None:
        """The limit that is reached for such a job."""
        limit = self._limits.concurrency.get(task)
        if limit is not None and self._of_task[task] >= limit:
            return "task"
        # The empty owner is the program itself, which no limit of visitors binds.
        of_owner = self._limits.max_running_per_owner
        return "owner" if owner and of_owner is not None and self._of_owner[owner] >= of_owner else None


def _position(snapshot: QueueSnapshot, limits: Limits, me: Waiting) -> Position:
    capacity = _Capacity(limits, snapshot.running)
    before = [each for each in snapshot.waiting if each.key < me.key and each.task in limits.tasks]
    ahead = []
    for each in before:
        if capacity.held_by(each.task, each.owner) is None:
            capacity.take(each.task, each.owner)
            ahead.append(each)
    match capacity.held_by(me.task, me.owner):
        case "task":
            alike = [each for each in before if each.task == me.task]
            return Position(ahead, "task", limits.concurrency[me.task], len(alike))
        case "owner":
            alike = [each for each in before if each.owner == me.owner]
            return Position(ahead, "owner", limits.max_running_per_owner or 0, len(alike))
        case None:
            return Position(ahead)


def _fallen_due(connection: Connection, now: datetime) -> list[Waiting]:
    """What the next claim makes ready, with the ranks it will give (`transitions.promote_due`)."""
    last_of: dict[tuple[str, int], int] = {}
    found = []
    for job_id, priority, owner, task, attempts in _DUE.rows(connection, now=now):
        if attempts:
            rank = ranks.now_served(connection, priority)
        else:
            own = last_of.get((owner, priority), -1) + 1
            rank = last_of[owner, priority] = max(own, ranks.for_new(connection, priority, owner))
        found.append(_waiting(priority, rank, job_id, task, owner))
    return found


def _waiting(priority: int, rank: int, job_id: float, task: str, owner: str) -> Waiting:
    return Waiting((-priority, rank, job_id), task, owner)


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

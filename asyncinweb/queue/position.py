"""The position of waiting jobs, in the order in which workers will take them, and the limits that hold jobs back.

A place is what claims would give if no running job ended: jobs that a limit holds back are skipped, and jobs that
share a limit count only as far as they can still start. Computed from a `QueueSnapshot`; nothing here reads.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from asyncinweb.queue.damaged_rows import count_of

LimitKind = Literal["task", "owner"]


@dataclass(frozen=True)
class Limits:
    """Which jobs workers take: the tasks they know, and how many jobs of a task and of an owner can run at
    once."""

    tasks: frozenset[str]
    concurrency: Mapping[str, int]
    max_running_per_owner: int | None = None


@dataclass(frozen=True)
class Waiting:
    """A waiting job. Claims go by `key`."""

    key: tuple[int, int, float]
    task: str
    owner: str

    @classmethod
    def of(cls, priority: int, rank: int, job_id: float, task: str, owner: str) -> "Waiting":
        return cls((-count_of(priority), count_of(rank), job_id), task, owner)


@dataclass(frozen=True)
class Running:
    """A running job, since `started_at` (seconds since 1970)."""

    task: str
    owner: str
    started_at: float


@dataclass(frozen=True)
class QueueSnapshot:
    """The queue at one moment.

    waiting: in the order of claims. is_cut: more jobs wait than are listed. limits: those of all living workers.
    workers: how many are alive. is_starting: True if none is alive, but a living supervisor will have some.
    """

    waiting: Sequence[Waiting]
    running: Sequence[Running]
    is_cut: bool
    limits: Limits
    workers: int
    is_starting: bool

    def is_known(self, task: str) -> bool:
        """False if workers are alive and none of them has loaded this task. True if none are alive."""
        return not self.workers or task in self.limits.tasks

    def places(self) -> dict[int, int]:
        """The place of each waiting job that no limit holds back, by job id: 1 starts next."""
        return {int(each.key[2]): place for place, each in enumerate(self._startable(), start=1)}

    def position_of(self, job_id: int) -> "Position | None":
        """The position of a job; None if it does not wait here, or no living worker knows its task. `is_far` if
        the snapshot is cut before it."""
        job = next((each for each in self.waiting if each.key[2] == job_id), None)
        if job is None:
            return Position((), is_far=True) if self.is_cut else None
        return self._position(job) if self.is_known(job.task) else None

    def position_of_new(self, task: str, owner: str, priority: int, rank: int) -> "Position":
        """The position that a job of this task and owner would get with this rank."""
        job = Waiting.of(priority, rank, float("inf"), task, owner)
        if self.is_cut and job.key > self.waiting[-1].key:
            return Position((), is_far=True)
        return self._position(job)

    def _startable(self, before: Waiting | None = None, capacity: "_Capacity | None" = None) -> Iterator[Waiting]:
        capacity = capacity or _Capacity(self.limits, self.running)
        for each in self.waiting:
            if before is not None and each.key >= before.key:
                return
            if self.is_known(each.task) and capacity.held_by(each.task, each.owner) is None:
                capacity.take(each.task, each.owner)
                yield each

    def _position(self, job: Waiting) -> "Position":
        capacity = _Capacity(self.limits, self.running)
        ahead = list(self._startable(job, capacity))
        match capacity.held_by(job.task, job.owner):
            case "task":
                behind = self._count_before(job, lambda each: each.task == job.task)
                return Position(ahead, "task", self.limits.concurrency[job.task], behind)
            case "owner":
                behind = self._count_before(job, lambda each: each.owner == job.owner)
                return Position(ahead, "owner", self.limits.max_running_per_owner or 0, behind)
            case None:
                return Position(ahead)

    def _count_before(self, job: Waiting, is_alike: Callable[[Waiting], bool]) -> int:
        before = (each for each in self.waiting if each.key < job.key and self.is_known(each.task))
        return sum(map(is_alike, before))


@dataclass(frozen=True)
class Position:
    """Where a waiting job stands.

    ahead: the jobs that start before it, in order. held_by: the limit that keeps it from starting even if a worker
    is free. behind: jobs before it that wait for the same limit. is_far: too many jobs are ahead to count them.
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


class _Capacity:
    """How many more jobs can start while none ends."""

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
        """The limit that such a job has reached."""
        limit = self._limits.concurrency.get(task)
        if limit is not None and self._of_task[task] >= limit:
            return "task"
        # The empty owner is the program itself, to which visitors' limits do not apply.
        of_owner = self._limits.max_running_per_owner
        return "owner" if owner and of_owner is not None and self._of_owner[owner] >= of_owner else None

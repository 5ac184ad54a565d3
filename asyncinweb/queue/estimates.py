"""How long things take: a task's usual duration, the time left of a run, the start of a waiting job.

From evidence only, otherwise None: from a task's last successful runs, and from a run's own rate, which its worker
reports (`workers/progress_rate.py`).
"""

import heapq
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from asyncinweb import clock
from asyncinweb.queue.likeness import is_like_earlier_runs
from asyncinweb.queue.models import Job
from asyncinweb.queue.stores.prepared import Prepared

# How many successful runs we use, and among how many of a task's last jobs we look for them.
RECENT_RUNS = 20
RECENT_JOBS = 200
# Fewer runs prove nothing.
LEAST_RUNS = 3
# How long an answer is reused: open pages ask again and again.
KEPT_SECONDS = 5.0
# Student's t for a range that contains 85 % of future runs, by the number of runs minus one.
STUDENT = (4.165, 2.282, 1.924, 1.778, 1.699, 1.650, 1.617, 1.592, 1.574, 1.559)
# Runs whose range is wider than this say little about another one, unless all of them are over in a moment.
WIDELY, A_MOMENT_SECONDS = 8.0, 5.0
# As many jobs have their likeness to earlier runs remembered.
MOST_REMEMBERED = 1_000
# The smallest assumed difference between two runs, as the logarithm of their ratio.
LEAST_SCATTER = 0.05


@dataclass(frozen=True)
class Range:
    """A range of seconds."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        return math.sqrt(max(self.low, 0.0) * self.high) if self.low > 0 else self.high / 2

    def after(self, seconds: float) -> "Range":
        """What is left of the range after this many seconds."""
        return Range(max(0.0, self.low - seconds), max(0.0, self.high - seconds))


@dataclass(frozen=True)
class Usual:
    """The durations of a task's last successful runs, in seconds; at least LEAST_RUNS of them."""

    seconds: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def range(self) -> Range:
        """The range of four in five runs, taking their logarithms as normally distributed with unknown
        parameters."""
        logs = [math.log(max(each, 0.001)) for each in self.seconds]
        count, mean = len(logs), statistics.fmean(logs)
        scatter = max(LEAST_SCATTER, statistics.stdev(logs))
        reach = STUDENT[min(count - 1, len(STUDENT)) - 1] * scatter * math.sqrt(1 + 1 / count)
        return Range(math.exp(mean - reach), math.exp(mean + reach))

    @property
    def differs_widely(self) -> bool:
        """True if no duration can be called usual."""
        return self.range.high > max(A_MOMENT_SECONDS, WIDELY * self.range.low)


@dataclass
class UsualTimes:
    """The usual durations of tasks, cached for a few seconds."""

    _found: dict[str, tuple[float, Usual | None]] = field(default_factory=dict)
    _is_alike: dict[int, bool] = field(default_factory=dict)

    def of(self, connection: Connection, task: str) -> Usual | None:
        """None if the task has not run often enough."""
        found_at, usual = self._found.get(task, (-math.inf, None))
        if clock.monotonic() - found_at > KEPT_SECONDS:
            usual = usual_of(connection, task)
            self._found[task] = clock.monotonic(), usual
        return usual

    def of_job(self, connection: Connection, job: Job) -> Usual | None:
        """As `of`; None also if the job was asked for something else than those runs."""
        usual = self.of(connection, job.task)
        if usual is None:
            return None
        if job.id not in self._is_alike:
            if len(self._is_alike) >= MOST_REMEMBERED:
                self._is_alike.clear()
            self._is_alike[job.id] = is_like_earlier_runs(connection, job.id, job.task, RECENT_RUNS)
        return usual if self._is_alike[job.id] else None


def usual_of(connection: Connection, task: str) -> Usual | None:
    """The durations of the task's last successful runs; None if there are too few."""
    rows = _RECENT.rows(connection, task=task)
    seconds = [
        max(0.0, (clock.from_stored(ended) - clock.from_stored(began)).total_seconds())
        for state, began, ended in rows
        if state == "completed" and began is not None
    ]
    return Usual(seconds[:RECENT_RUNS]) if len(seconds) >= LEAST_RUNS else None


_RECENT = Prepared(
    select(Job.state, Job.started_at, Job.finished_at)
    .where(Job.task == bindparam("task"))
    .order_by(Job.id.desc())
    .limit(RECENT_JOBS)
)


@dataclass(frozen=True)
class Rest:
    """The time left of a run. `is_late`: the run takes longer than runs of its task usually do."""

    range: Range | None
    is_late: bool


def rest_of(job: Job, usual: Usual | None, now: datetime) -> Rest:
    """The time left of a running job: by its own rate, by the usual duration, or where both agree."""
    if job.started_at is None:
        return Rest(None, is_late=False)
    elapsed = (now - job.started_at).total_seconds()
    by_pace, by_habit = _by_pace(job, now), usual.range.after(elapsed) if usual else None
    is_over = by_habit is not None and by_habit.high <= 0
    is_late = is_over and usual is not None and not usual.differs_widely
    if by_pace is None or by_pace.high <= 0:
        return Rest(None if is_over else by_habit, is_late)
    return Rest(_common(by_pace, by_habit), is_late)


def _by_pace(job: Job, now: datetime) -> Range | None:
    low, high, told_at = job.seconds_left_low, job.seconds_left_high, job.reported_at
    if low is None or high is None or told_at is None:
        return None
    return Range(low, high).after((now - told_at).total_seconds())


def _common(by_pace: Range, by_habit: Range | None) -> Range:
    """Where both ranges agree. If they contradict each other, the run's own rate counts."""
    if by_habit is None:
        return by_pace
    both = Range(max(by_pace.low, by_habit.low), min(by_pace.high, by_habit.high))
    return both if both.low < both.high else by_pace


def starts_within(
    workers: int,
    running: Iterable[tuple[str, float]],
    ahead: Iterable[str],
    usual: Mapping[str, Usual | None],
    now: float,
) -> float | None:
    """Seconds within which a waiting job usually starts; None if that is unknown for any job before it.

    running: task and start (seconds since 1970) of each running job; ahead: tasks of the jobs that start before,
    in order.
    """
    free_in = []
    for task, began in running:
        left = _longest(usual.get(task), now - began)
        if left is None:
            return None
        free_in.append(left)
    free_in += [0.0] * (workers - len(free_in))
    heapq.heapify(free_in)
    for task in ahead:
        takes = _longest(usual.get(task), 0.0)
        if takes is None or not free_in:
            return None
        heapq.heapreplace(free_in, free_in[0] + takes)
    return free_in[0] if free_in else None


def _longest(usual: Usual | None, elapsed: float) -> float | None:
    """The most seconds that a run usually still takes; None if unknown or already over."""
    left = usual.range.high - elapsed if usual else 0.0
    return left if left > 0 else None

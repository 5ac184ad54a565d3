"""Why a job waits, as facts for one sentence that agrees with the order in which workers take jobs."""

from dataclasses import dataclass

from sqlalchemy import Connection

from asyncinweb import clock
from asyncinweb.queue.estimates import starts_within
from asyncinweb.queue.models import Job
from asyncinweb.queue.position import (
    Limits,
    Position,
    QueueSnapshot,
    count_living_workers,
    is_starting_workers,
    position_of,
    take_snapshot,
)
from asyncinweb.web.installation import Installation
from asyncinweb.web.job_status.eta_text import rounded_up

# Further back, the estimates of many jobs add up to a guess.
MOST_ESTIMATED = 30


@dataclass(frozen=True)
class Wait:
    """What a waiting job still waits for.

    position: None until it falls due. within: seconds within which it usually starts, rounded; None if unknown.
    """

    is_known_task: bool
    workers: int
    is_starting: bool
    running: int
    position: Position | None
    within: int | None

    @property
    def starts_now(self) -> bool:
        """True if a worker is free for it."""
        place = self.position.place if self.position else None
        return place is not None and place <= self.workers - self.running

    @property
    def fingerprint(self) -> tuple[object, ...]:
        """Whatever of it is shown."""
        position = self.position
        shown = position and (position.place, position.held_by, position.behind, position.is_far)
        return (self.is_known_task, self.workers, self.is_starting, self.running, shown, self.within)


def wait_of(connection: Connection, installation: Installation, job: Job) -> Wait:
    """What a waiting job waits for now."""
    limits = limits_of(installation)
    snapshot = take_snapshot(connection)
    position = position_of(snapshot, limits, job.id) if _is_due(job) else None
    workers = count_living_workers(connection, installation.settings.lease_seconds)
    within = _starts_within(connection, installation, snapshot, position, workers)
    is_starting = not workers and is_starting_workers(connection, installation.settings.lease_seconds)
    is_known_task = job.task in installation.registry
    return Wait(is_known_task, workers, is_starting, len(snapshot.running), position, within)


def limits_of(installation: Installation) -> Limits:
    """The limits that workers with this installation's tasks and settings obey."""
    return Limits.of(installation.registry, installation.settings.max_running_per_owner)


def _is_due(job: Job) -> bool:
    return job.state == "queued" or (job.run_at is not None and job.run_at <= clock.now())


def _starts_within(
    connection: Connection,
    installation: Installation,
    snapshot: QueueSnapshot,
    position: Position | None,
    workers: int,
) -> int | None:
    if position is None or position.place is None or len(position.ahead) > MOST_ESTIMATED:
        return None
    running = [(each.task, each.started_at) for each in snapshot.running]
    ahead = [each.task for each in position.ahead]
    tasks = {*ahead, *(task for task, _ in running)}
    usual = {task: installation.usual_times.of(connection, task) for task in tasks}
    seconds = starts_within(workers, running, ahead, usual, clock.now().timestamp())
    return None if seconds is None else rounded_up(seconds)

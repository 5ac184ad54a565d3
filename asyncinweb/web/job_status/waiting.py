"""Why a job waits, as facts for one sentence that agrees with the order in which workers take jobs."""

from dataclasses import dataclass

from sqlalchemy import Connection

from asyncinweb import clock
from asyncinweb.queue.estimates import starts_within
from asyncinweb.queue.models import Job
from asyncinweb.queue.position import Position, QueueSnapshot
from asyncinweb.queue.snapshot import take_snapshot
from asyncinweb.web.installation import Installation
from asyncinweb.web.job_status.eta_text import rounded_up

# With more jobs ahead, the sum of their estimates is only a guess.
MOST_ESTIMATED = 30


@dataclass(frozen=True)
class Wait:
    """What a waiting job still waits for.

    position: None until the job is due. within: seconds within which it usually starts, rounded; None if unknown.
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
        """Everything about it that is shown."""
        position = self.position
        shown = position and (position.place, position.held_by, position.behind, position.is_far)
        return (self.is_known_task, self.workers, self.is_starting, self.running, shown, self.within)


def wait_of(connection: Connection, installation: Installation, job: Job) -> Wait:
    """What a waiting job waits for now, as living workers see it. The connection must be in a transaction."""
    snapshot = take_snapshot(connection, installation.settings.lease_seconds)
    position = snapshot.position_of(job.id) if _is_due(job) else None
    return Wait(
        is_known_task=snapshot.is_known(job.task),
        workers=snapshot.workers,
        is_starting=snapshot.is_starting,
        running=len(snapshot.running),
        position=position,
        within=_starts_within(connection, installation, snapshot, position),
    )


def _is_due(job: Job) -> bool:
    return job.state == "queued" or (job.run_at is not None and job.run_at <= clock.now())


def _starts_within(
    connection: Connection,
    installation: Installation,
    snapshot: QueueSnapshot,
    position: Position | None,
) -> int | None:
    if position is None or position.place is None or len(position.ahead) > MOST_ESTIMATED:
        return None
    running = [(each.task, each.started_at) for each in snapshot.running]
    ahead = [each.task for each in position.ahead]
    tasks = {*ahead, *(task for task, _ in running)}
    usual = {task: installation.usual_times.of(connection, task) for task in tasks}
    seconds = starts_within(snapshot.workers, running, ahead, usual, clock.now().timestamp())
    return None if seconds is None else rounded_up(seconds)

"""Why a job waits, as facts for one sentence that agrees with the order in which workers take jobs."""

from dataclasses import dataclass

from sqlalchemy import Connection

from asyncinweb import clock
from asyncinweb.queue.estimates import starts_within
from asyncinweb.queue.line import (
    Limits,
    Line,
    Standing,
    count_living_workers,
    is_starting_workers,
    read_line,
    standing_of,
)
from asyncinweb.queue.models import Job
from asyncinweb.web.installation import Installation
from asyncinweb.web.job_status.eta_text import rounded_up

# Further back, the estimates of many jobs add up to a guess.
MOST_ESTIMATED = 30


@dataclass(frozen=True)
class Wait:
    """What stands between a waiting job and its start.

    standing: None until it falls due. within: seconds within which it usually starts, rounded; None if unknown.
    """

    is_known_task: bool
    workers: int
    is_starting: bool
    running: int
    standing: Standing | None
    within: int | None

    @property
    def starts_now(self) -> bool:
        """True if a worker is free for it."""
        place = self.standing.place if self.standing else None
        return place is not None and place <= self.workers - self.running

    @property
    def fingerprint(self) -> tuple[object, ...]:
        """Whatever of it is shown."""
        stands = self.standing
        shown = stands and (stands.place, stands.held_by, stands.behind, stands.is_far)
        return (self.is_known_task, self.workers, self.is_starting, self.running, shown, self.within)


def wait_of(connection: Connection, installation: Installation, job: Job) -> Wait:
    """What a waiting job waits for now."""
    limits = limits_of(installation)
    line = read_line(connection)
    standing = standing_of(line, limits, job.id) if _is_due(job) else None
    workers = count_living_workers(connection, installation.settings.lease_seconds)
    within = _starts_within(connection, installation, line, standing, workers)
    is_starting = not workers and is_starting_workers(connection, installation.settings.lease_seconds)
    is_known_task = job.task in installation.registry
    return Wait(is_known_task, workers, is_starting, len(line.running), standing, within)


def limits_of(installation: Installation) -> Limits:
    """The limits that workers with this installation's tasks and settings obey."""
    return Limits.of(installation.registry, installation.settings.max_running_per_owner)


def _is_due(job: Job) -> bool:
    return job.state == "queued" or (job.run_at is not None and job.run_at <= clock.now())


def _starts_within(
    connection: Connection, installation: Installation, line: Line, standing: Standing | None, workers: int
) -> int | None:
    if standing is None or standing.place is None or len(standing.ahead) > MOST_ESTIMATED:
        return None
    running = [(each.task, each.started_at) for each in line.running]
    ahead = [each.task for each in standing.ahead]
    tasks = {*ahead, *(task for task, _ in running)}
    usual = {task: installation.usual_times.of(connection, task) for task in tasks}
    seconds = starts_within(workers, running, ahead, usual, clock.now().timestamp())
    return None if seconds is None else rounded_up(seconds)

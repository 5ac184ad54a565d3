"""What to expect of a job before it is started: how long it takes, and how many jobs would start first."""

from dataclasses import dataclass

from asyncinweb.queue import ranks
from asyncinweb.queue.position import Position
from asyncinweb.queue.reading import usual_seconds
from asyncinweb.queue.snapshot import MOST_COUNTED, take_snapshot
from asyncinweb.tasks.registry import Task
from asyncinweb.units import counted
from asyncinweb.web import visitors
from asyncinweb.web.filters import duration
from asyncinweb.web.installation import installation
from asyncinweb.web.shared import read_connection, read_session


@dataclass(frozen=True)
class Forecast:
    """`Usually 5 s · 2 jobs ahead of you`. has_workers: False if the job would have to wait for a worker to be
    started."""

    words: str
    has_workers: bool


def forecast_of(task: Task[..., object]) -> Forecast:
    """The forecast for a job of this visitor if it were started now."""
    session, settings = read_session(), installation().settings
    connection = read_connection()
    snapshot = take_snapshot(connection, settings.lease_seconds)
    owner, priority = visitors.current().owner, task.options.priority
    rank = ranks.for_new(connection, priority, owner)
    position = snapshot.position_of_new(task.name, owner, priority, rank)
    usual = usual_seconds(session, task.name)
    parts = [
        "" if usual is None else f"usually {duration(usual)}",
        _ahead(position, is_free=len(snapshot.running) < snapshot.workers) if snapshot.workers else "",
    ]
    if not snapshot.is_known(task.name):
        parts = ["not available right now"]
    words = " · ".join(part for part in parts if part)
    return Forecast(words[:1].upper() + words[1:], snapshot.workers > 0)


def _ahead(position: Position, *, is_free: bool) -> str:
    if position.held_by == "task":
        return f"only {_number(position.limit)} at a time, so yours will wait its turn"
    if position.held_by == "owner":
        return f"only {_number(position.limit, 'of your jobs')} at a time, so this one will wait its turn"
    if position.is_far:
        return f"more than {MOST_COUNTED:,} jobs ahead of you"
    if position.ahead:
        return f"{counted(len(position.ahead), 'job')} ahead of you"
    return "starts right away" if is_free else "you're next"


def _number(limit: int, whose: str = "") -> str:
    """`one runs`, `3 of your jobs run`."""
    return f"{'one' if limit == 1 else limit}{whose and ' '}{whose} {'runs' if limit == 1 else 'run'}"

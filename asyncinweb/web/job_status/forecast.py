"""What a visitor may expect of a job they have not started yet: how long it takes, and what would start first."""

from dataclasses import dataclass

from asyncinweb.queue.models import Job
from asyncinweb.queue.position import MOST_COUNTED, Limits, Position, count_living_workers, position_of_new
from asyncinweb.queue.reading import count_running, usual_seconds
from asyncinweb.tasks.registry import Task
from asyncinweb.units import counted
from asyncinweb.web import visitors
from asyncinweb.web.filters import duration
from asyncinweb.web.installation import installation
from asyncinweb.web.shared import read_session


@dataclass(frozen=True)
class Forecast:
    """`Usually 5 s · 2 jobs ahead of you`. has_workers: False if it would wait for somebody to start one."""

    words: str
    has_workers: bool


def forecast_of(task: Task[..., object]) -> Forecast:
    """What a job of this visitor may expect if it were started now."""
    session, settings = read_session(), installation().settings
    connection = session.connection(bind_arguments={"mapper": Job})
    workers = count_living_workers(connection, settings.lease_seconds)
    limits = Limits.of(installation().registry, settings.max_running_per_owner)
    owner, priority = visitors.current().owner, task.options.priority
    position = position_of_new(connection, limits, task.name, owner, priority)
    usual = usual_seconds(session, task.name)
    parts = [
        "" if usual is None else f"usually {duration(usual)}",
        _ahead(position, is_free=count_running(session) < workers) if workers else "",
    ]
    words = " · ".join(part for part in parts if part)
    return Forecast(words[:1].upper() + words[1:], workers > 0)


def _ahead(position: Position, is_free: bool) -> str:
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

"""Tasks to be started by the clock."""

from dataclasses import dataclass

from asyncinweb.queue.client import to_new_job
from asyncinweb.queue.submitting import NewJob
from asyncinweb.tasks.registry import Registry, Request


@dataclass(frozen=True)
class Schedule:
    """A cron expression (UTC), and the job to make each time."""

    cron: str
    job: NewJob


def schedules_of(registry: Registry) -> tuple[Schedule, ...]:
    """One schedule for each task with a cron expression, with its parameters' defaults."""
    return tuple(
        Schedule(task.options.cron, to_new_job(Request(task, task.inputs.pack({}), task.options.priority)))
        for task in registry.tasks.values()
        if task.options.cron is not None
    )

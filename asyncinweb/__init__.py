"""Slow Python behind fast web pages: tasks, jobs in SQLite, worker processes, a live page.

    from asyncinweb import task, track

    @task(timeout=600)
    def report(year: int = 2026) -> str: ...

Then `python run.py --tasks my_tasks.py`.
"""

from asyncinweb.errors import (
    AsyncInWebError,
    BadArguments,
    DatabaseBusy,
    JobCancelled,
    JobInterruption,
    JobTimeout,
    QuotaReached,
    UnknownTask,
)
from asyncinweb.queue.client import submit_from_here
from asyncinweb.queue.models import Job
from asyncinweb.tasks.current import current_job, track
from asyncinweb.tasks.registry import Task, connect, task

__all__ = [
    "AsyncInWebError",
    "BadArguments",
    "DatabaseBusy",
    "Job",
    "JobCancelled",
    "JobInterruption",
    "JobTimeout",
    "QuotaReached",
    "Task",
    "UnknownTask",
    "current_job",
    "task",
    "track",
]

# The rooms below know nothing of each other's insides; here `Task.enqueue` learns where jobs are kept.
connect(submit_from_here)

"""Slow Python behind fast web pages: tasks, jobs in SQLite, worker processes, a live page.

    from asyncinweb import task, track

    @task(timeout=600)
    def report(year: int = 2026) -> str: ...

Then `python run.py --tasks my_tasks.py`.
"""

import importlib
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from asyncinweb.app import create_app
    from asyncinweb.extension import AsyncInWeb

__all__ = [
    "AsyncInWeb",
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
    "create_app",
    "current_job",
    "task",
    "track",
]

# The rooms below know nothing of each other's insides; here `Task.enqueue` learns where jobs are kept.
connect(submit_from_here)

# Loaded on first use, so that a worker never imports Flask.
_FLASK_FACING = {"AsyncInWeb": "asyncinweb.extension", "create_app": "asyncinweb.app"}


def __getattr__(name: str) -> object:
    if name in _FLASK_FACING:
        return getattr(importlib.import_module(_FLASK_FACING[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

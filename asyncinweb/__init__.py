"""Slow Python behind fast web pages: tasks, jobs in SQLite, worker processes, a live page.

    from asyncinweb import task, track

    @task(timeout=600)
    def report(year: int = 2026) -> str: ...

Then `python run.py --tasks my_tasks.py`.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncinweb.app import create_app
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
    from asyncinweb.extension import AsyncInWeb
    from asyncinweb.queue.models import Job
    from asyncinweb.tasks.current import current_job, track
    from asyncinweb.tasks.inputs.uploaded import Accept, UploadedFile
    from asyncinweb.tasks.outputs.texts import Markdown
    from asyncinweb.tasks.registry import Task, task

__all__ = [
    "Accept",
    "AsyncInWeb",
    "AsyncInWebError",
    "BadArguments",
    "DatabaseBusy",
    "Job",
    "JobCancelled",
    "JobInterruption",
    "JobTimeout",
    "Markdown",
    "QuotaReached",
    "Task",
    "UnknownTask",
    "UploadedFile",
    "create_app",
    "current_job",
    "task",
    "track",
]

# The module of each name. Loaded on first
# use: a worker never imports Flask, and the supervisor starts its children
# before it loads anything heavy.
_HOMES = {
    "Accept": "asyncinweb.tasks.inputs.uploaded",
    "AsyncInWeb": "asyncinweb.extension",
    "Job": "asyncinweb.queue.models",
    "Markdown": "asyncinweb.tasks.outputs.texts",
    "Task": "asyncinweb.tasks.registry",
    "UploadedFile": "asyncinweb.tasks.inputs.uploaded",
    "create_app": "asyncinweb.app",
    "current_job": "asyncinweb.tasks.current",
    "task": "asyncinweb.tasks.registry",
    "track": "asyncinweb.tasks.current",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "task":
        # Tasks know nothing of the queue; importing its client connects `enqueue` to it.
        importlib.import_module("asyncinweb.queue.client")
    return getattr(importlib.import_module(_HOMES.get(name, "asyncinweb.errors")), name)

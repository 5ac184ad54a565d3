"""`current_job` and `track`: what a running function can say about itself.

The functions here only pass calls on to the `JobBackend` that a worker has set. Without one they do nothing
harmful, so a task can be called and tested like any function.
"""

import os
from collections.abc import Iterable, Iterator, Sized
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import Protocol, TypeVar

T = TypeVar("T")
FileData = bytes | str | os.PathLike[str]


class JobBackend(Protocol):
    """The job that this process is running, as its worker implements it."""

    slug: str
    attempt: int

    @property
    def cancelled(self) -> bool: ...
    @property
    def working_path(self) -> Path: ...

    def progress(self, done: float, total: float | None, text: str) -> None: ...
    def log(self, text: str) -> None: ...
    def save_file(self, name: str, data_or_path: FileData) -> None: ...
    def shield(self) -> AbstractContextManager[None]: ...


# One job runs in a process at a time, so a plain variable serves threads started by the task too;
# a context variable would be empty in them.
_running: JobBackend | None = None
# The job that started the current code, where Python keeps track of that: asyncio tasks and callbacks.
_started_by: ContextVar[JobBackend | None] = ContextVar("asyncinweb_started_by", default=None)


@contextmanager
def running_as(running: JobBackend) -> Iterator[None]:
    """Make `running` the current job of this process."""
    global _running
    _running = running
    token = _started_by.set(running)
    try:
        yield
    finally:
        _started_by.reset(token)
        _running = None


def _current() -> JobBackend | None:
    """The running job, unless the calling code was left behind by an earlier one."""
    started_by = _started_by.get()
    return _running if started_by is None or started_by is _running else None


def left_by() -> str:
    """The slug of the earlier job that left the calling code behind; "" if there is none, as far as we know."""
    started_by = _started_by.get()
    return "" if started_by is None or started_by is _running else started_by.slug


class CurrentJob:
    """The job that this process is running; use it as `asyncinweb.current_job`."""

    @property
    def slug(self) -> str:
        """The job's public name in its address, "" outside a job."""
        running = _current()
        return running.slug if running else ""

    @property
    def attempt(self) -> int:
        """1 on the first try, 2 on the first retry; 0 outside a job."""
        running = _current()
        return running.attempt if running else 0

    @property
    def cancelled(self) -> bool:
        """True as soon as someone has asked to stop this job."""
        running = _current()
        return running is not None and running.cancelled

    @property
    def folder(self) -> Path:
        """The function's working folder, empty when it starts; outside a job, the program's.

        What is left in it is removed after the job. Keep files with `save_file`, or return them.
        """
        running = _current()
        return running.working_path if running else Path.cwd()

    def progress(self, done: float, total: float | None = None, text: str = "") -> None:
        """Report how far the job is: `done` of `total` (any unit), with a text that says what it is doing.

        Cheap enough to call in every turn of a loop: the report is written at most twice a second.
        """
        if running := _current():
            running.progress(done, total, text)

    def log(self, text: str) -> None:
        """Add a line to the job's log. `print` and `logging` do the same."""
        if running := _current():
            running.log(text)

    def save_file(self, name: str, data_or_path: FileData) -> None:
        """Keep a file with the job: bytes, text, or the path of a file that is copied.

        `name` is what the visitor sees and downloads; a second file of the same name replaces the first.
        """
        if running := _current():
            running.save_file(name, data_or_path)


current_job = CurrentJob()


def track(items: Iterable[T], total: float | None = None, text: str = "") -> Iterator[T]:
    """Yield the items and report each finished one as progress.

    `total` defaults to `len(items)` if that is known; without it the bar shows no share.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    current_job.progress(0, total, text)
    for done, item in enumerate(items, start=1):
        yield item
        current_job.progress(done, total, text)


def shielded() -> AbstractContextManager[None]:
    """Keep a cancel or a time limit from interrupting the library's own bookkeeping."""
    return _running.shield() if _running else nullcontext()

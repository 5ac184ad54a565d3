"""The errors that the package raises on purpose: one class for each case that a caller handles differently.

Messages name the problem, the value and the cure. `exit_code` is the exit code of a command that fails with it.
"""

from collections.abc import Iterable
from difflib import get_close_matches

from asyncinweb.validation_messages import about


class AsyncInWebError(Exception):
    """Base of all errors of this package."""

    exit_code = 2


class SettingError(AsyncInWebError):
    """A setting is unknown or has an invalid value."""


class TaskDefinitionError(AsyncInWebError):
    """A function cannot be a task as written. Names task, parameter, file and line."""


class TaskLoadError(AsyncInWebError):
    """A module or file with tasks cannot be imported."""


class UnknownTask(AsyncInWebError):
    """No task with this name is loaded."""

    def __init__(self, name: str, known: Iterable[str] = ()) -> None:
        super().__init__(f"There is no task {name!r}.{nearest(name, known)}")
        self.name = name


class UnknownJob(AsyncInWebError):
    """There is no job with this name, or it has been deleted."""


class BadArguments(AsyncInWebError):
    """The arguments do not fit the task. `messages` maps each wrong parameter to its message."""

    def __init__(self, task: str, messages: dict[str, str]) -> None:
        facts = "; ".join(about(name, message) for name, message in messages.items())
        super().__init__(f"{task}: {facts}")
        self.task = task
        self.messages = messages


class QuotaReached(AsyncInWebError):
    """This owner already has as many jobs waiting as the settings allow."""


class IdempotencyConflict(AsyncInWebError):
    """The idempotency key was already used with different arguments."""


class JobDamaged(AsyncInWebError):
    """The stored record of a job can't be read."""

    def __init__(self, slug: str, columns: Iterable[str]) -> None:
        super().__init__(
            f"The stored record of job {slug} is damaged ({', '.join(sorted(columns))}). Submit a new job instead."
        )


class DatabaseBusy(AsyncInWebError):
    """Another process is holding the database's write lock for too long. Try again in a few seconds."""


class DatabaseUnusable(AsyncInWebError):
    """The database cannot be opened or written to."""


class DatabaseGone(DatabaseUnusable):
    """The database file has been moved, deleted or replaced."""


class DatabaseDamaged(DatabaseUnusable):
    """The file is damaged, or is not a SQLite database."""

    exit_code = 3


class SchemaTooNew(DatabaseUnusable):
    """The database was written by a newer version of the program."""

    exit_code = 5


class CannotStart(AsyncInWebError):
    """The server cannot start: port or folder in use, folder read-only."""


class JobInterruption(BaseException):
    """Raised in a running task to end it. A BaseException, so `except Exception` lets it through.

    `finally` blocks run. A job that swallows it is killed after `kill_after_seconds`.
    """


class JobCancelled(JobInterruption):
    """Someone asked to stop this job."""


class JobTimeout(JobInterruption):
    """The job ran longer than its `timeout`."""


class JobReleased(JobInterruption):
    """The server is stopping; the job goes back to the queue."""


def nearest(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` for the closest known word, otherwise an empty string."""
    close = get_close_matches(word, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""

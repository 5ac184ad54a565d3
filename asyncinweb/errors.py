"""Everything the package raises on purpose: one class for each thing a caller can do differently.

Messages say what was wrong, with which value, and the cure. `exit_code` is what a command ends with.
"""

from collections.abc import Iterable
from difflib import get_close_matches

from asyncinweb.validation_messages import about


class AsyncInWebError(Exception):
    """Base of all errors of this package."""

    exit_code = 2


class SettingError(AsyncInWebError):
    """A setting is unknown or has an impossible value."""


class TaskDefinitionError(AsyncInWebError):
    """A function cannot be a task as it is written. Names task, parameter, file and line."""


class TaskLoadError(AsyncInWebError):
    """A module or file with tasks cannot be imported."""


class UnknownTask(AsyncInWebError):
    """No task of this name is loaded."""

    def __init__(self, name: str, known: Iterable[str] = ()) -> None:
        super().__init__(f"There is no task {name!r}.{nearest(name, known)}")
        self.name = name


class UnknownJob(AsyncInWebError):
    """There is no job of this name, or not any more."""


class BadArguments(AsyncInWebError):
    """Arguments do not fit the task. `messages` maps each parameter to what is wrong with it."""

    def __init__(self, task: str, messages: dict[str, str]) -> None:
        facts = "; ".join(about(name, message) for name, message in messages.items())
        super().__init__(f"{task}: {facts}")
        self.task = task
        self.messages = messages


class QuotaReached(AsyncInWebError):
    """This owner has as many jobs waiting as the settings allow."""


class IdempotencyConflict(AsyncInWebError):
    """The idempotency key was used before with other arguments."""


class DatabaseBusy(AsyncInWebError):
    """Another process holds the database's write lock for too long. Try again in a few seconds."""


class DatabaseUnusable(AsyncInWebError):
    """The database cannot be opened or written where it is."""


class DatabaseGone(DatabaseUnusable):
    """The database file is no longer where it was, or another one is in its place."""


class DatabaseDamaged(DatabaseUnusable):
    """The file is not a sound SQLite database."""

    exit_code = 3


class SchemaTooNew(DatabaseUnusable):
    """The database was written by a newer version of the program."""

    exit_code = 5


class CannotStart(AsyncInWebError):
    """The server cannot start: port or folder in use, folder read-only."""


class JobInterruption(BaseException):
    """Raised in a running task to end it. A BaseException, so `except Exception` lets it through.

    `finally` blocks run; whoever swallows it is killed after `kill_after_seconds`.
    """


class JobCancelled(JobInterruption):
    """Somebody asked to stop this job."""


class JobTimeout(JobInterruption):
    """The job ran longer than its `timeout`."""


class JobReleased(JobInterruption):
    """The server stops; the job goes back to the queue."""


def nearest(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` for the closest known word, else an empty string."""
    close = get_close_matches(word, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""

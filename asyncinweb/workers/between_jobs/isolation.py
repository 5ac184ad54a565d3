"""Between two jobs of a worker: put everything back as the first one found it, or have the worker replaced."""

import contextvars
import decimal
import logging
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from asyncinweb.workers.between_jobs import library_helpers
from asyncinweb.workers.between_jobs.drawing import Drawing
from asyncinweb.workers.between_jobs.library_helpers import LibraryHelpers
from asyncinweb.workers.between_jobs.logging_state import LoggingState
from asyncinweb.workers.between_jobs.process_state import ProcessState
from asyncinweb.workers.between_jobs.threads import Threads
from asyncinweb.workers.process import processes
from asyncinweb.workers.process.working_folder import WorkingFolder
from asyncinweb.workers.running import event_loop

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")


class JobIsolation:
    """Created after a worker has loaded its tasks and before its first job: every job finds the state of that
    moment."""

    def __init__(self, folder: WorkingFolder) -> None:
        self._folder = folder
        event_loop.loop()
        self._helpers = LibraryHelpers()
        self._threads = Threads()
        self._process = ProcessState()
        self._logging = LoggingState()
        self._drawing = Drawing()

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function so that its changes to context variables and decimal's context end with it."""
        context = contextvars.copy_context()
        context.run(decimal.setcontext, decimal.getcontext().copy())
        return context.run(function, *args, **kwargs)

    def put_back(self) -> list[str]:
        """Undo a job's changes and end what it has started. What could not be undone, in words; then no other job
        may run here."""
        steps: tuple[Callable[[], Sequence[str] | None], ...] = (
            self._logging.put_back,
            self._drawing.put_back,
            event_loop.put_back,
            self._process.put_back,
            self._folder.put_back,
            self._end_helpers,
            library_helpers.forget_children,
            # Last, because some end with what the earlier steps shut down.
            self._threads.still_running,
        )
        return [each for step in steps for each in _what_remains(step)]

    def _end_helpers(self) -> list[str]:
        """Let libraries' helpers end in their own way, then kill every remaining child process."""
        if not processes.has_children() and not self._threads.running():
            return []
        has_ended = self._helpers.end_gracefully()
        # The trackers must still remove what the others had in shared memory.
        processes.kill_children(spare=library_helpers.tracker_pids())
        has_ended = library_helpers.stop_trackers() and has_ended
        processes.kill_children()
        return [] if has_ended else ["helper processes of a library did not end"]


def _what_remains(step: Callable[[], Sequence[str] | None]) -> Sequence[str]:
    try:
        return step() or ()
    except Exception as error:
        # A job may have broken anything, even the functions needed here.
        return (f"{step.__qualname__} failed with {type(error).__name__}: {error}",)

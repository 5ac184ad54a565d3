"""Stopping plain blocking code politely: an exception raised in the main thread by a signal.

Only while the task's own function is on the stack, never inside the library's bookkeeping.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Literal

from asyncinweb.errors import JobCancelled, JobInterruption, JobReleased, JobTimeout
from asyncinweb.workers.process.signal_handlers import listen

Cause = Literal["cancel", "timeout", "release"]

EXCEPTIONS: dict[Cause, type[JobInterruption]] = {
    "cancel": JobCancelled,
    "timeout": JobTimeout,
    "release": JobReleased,
}
WORDS: dict[Cause, str] = {
    "cancel": "Someone asked to stop this job.",
    "timeout": "The job reached its time limit.",
    "release": "The server is stopping. The job will run again.",
}


class Interruption:
    """One per worker process, made in its main thread."""

    def __init__(self) -> None:
        self.asked: Cause | None = None
        # The message of the MemoryError to raise; "" for none.
        self._memory_words = ""
        self._job: object = None
        self._asking = threading.Lock()
        self._is_stopping = False
        self._armed = False
        self._shields = 0
        self._is_looking = False
        self._deliver: Callable[[], bool] | None = None
        self._pending = False
        self._main = threading.get_ident()
        self.listen()

    def listen(self) -> None:
        """Handle the signal again, whatever a job has done to signals."""
        listen(signal.SIGUSR1, self._on_signal)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        # An alarm that a job has left behind would kill the process in the middle of the next one.
        signal.setitimer(signal.ITIMER_REAL, 0)

    def disarm(self) -> None:
        """In a forked child, nothing is ever asked of it: its parent is asked, and ends it."""
        self._armed = self._pending = False

    def begin(self, job: object) -> None:
        """A new job begins, with no request yet."""
        with self._asking:
            self._job = job
            self.asked = "release" if self._is_stopping else None
            self._memory_words = ""
            self._pending = False

    def ask(self, cause: Cause, job: object) -> None:
        """Ask this job's function to stop, from any thread. The first cause stands.

        If this job has just ended, neither it nor the next one is touched.
        """
        with self._asking:
            if self._job is job and self.asked is None:
                self.asked = cause
                signal.pthread_kill(self._main, signal.SIGUSR1)

    def refuse_memory(self, job: object, words: str) -> None:
        """Raise a MemoryError in this job's function, from any thread. The function may catch it and continue."""
        with self._asking:
            if self._job is job:
                self._memory_words = words
                signal.pthread_kill(self._main, signal.SIGUSR1)

    def stop_now(self) -> None:
        """Ask the running job, or one about to begin, to stop: from a signal handler, which must not wait."""
        self._is_stopping = True
        if self.asked is None:
            self.asked = "release"
            self._on_signal(signal.SIGUSR1, None)

    @contextmanager
    def armed(self) -> Iterator[None]:
        """While the task's function runs, a request raises an exception, which the caller catches."""
        self._armed = True
        try:
            if self.asked is not None:
                self._raise()
            yield
        finally:
            self._armed = False

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Our own work, called from the function: a request raises only after it."""
        if threading.get_ident() != self._main:
            yield
            return
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        if self._pending and not self._shields:
            self._raise()

    @contextmanager
    def looking(self) -> Iterator[None]:
        """The library looks at one of the function's values, which takes errors of the value for granted: a
        MemoryError is raised right behind it, all else at once."""
        self._is_looking = True
        try:
            yield
        finally:
            self._is_looking = False
        if self._pending and not self._shields:
            self._raise()

    @contextmanager
    def left_to(self, deliver: Callable[[], bool]) -> Iterator[None]:
        """While an event loop runs, `deliver` brings a request to the function, or says that it must be raised."""
        self._deliver = deliver
        try:
            yield
        finally:
            self._deliver = None

    def error(self) -> BaseException:
        """The exception that stops the function, or refuses it more memory."""
        words, self._memory_words = self._memory_words, ""
        if self.asked is None and words:
            return MemoryError(words)
        cause = self.asked or "release"
        return EXCEPTIONS[cause](WORDS[cause])

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if not self._armed or not (self.asked or self._memory_words):
            return
        if self._shields or (self._is_looking and self.asked is None):
            self._pending = True
        elif self._deliver is None or not self._deliver():
            self._raise()

    def _raise(self) -> None:
        self._pending = False
        if self._armed and (self.asked is not None or self._memory_words):
            raise self.error()

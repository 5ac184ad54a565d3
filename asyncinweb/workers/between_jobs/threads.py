"""Threads that outlive their job. They cannot be ended from outside, so the worker is replaced."""

import os
import sys
import threading
import time
from types import FrameType

from asyncinweb import clock

# How long a thread gets to end when its work is done.
GRACE_SECONDS, PAUSE_SECONDS = 0.1, 0.005
# How long a thread that the kernel has just made gets to run its first line of Python. Threads of C code never do.
BEGIN_SECONDS, BEGIN_PAUSE_SECONDS = 0.02, 0.001
OWN_PREFIX = "asyncinweb-"
MAX_NAME = 80


class Threads:
    """Distinguishes threads that a job has started from earlier ones."""

    def __init__(self) -> None:
        self._known = frozenset(sys._current_frames())
        self._in_kernel = _threads_in_kernel()

    def running(self) -> list[str]:
        """The names of threads that jobs have left running."""
        frames = sys._current_frames()
        unknown = frames.keys() - self._known
        if not unknown:
            return []
        names = {each.ident: each.name for each in threading.enumerate()}
        return sorted(
            names.get(ident, "without a name")[:MAX_NAME]
            for ident in unknown
            if not names.get(ident, "").startswith(OWN_PREFIX) and not _waits_in_a_pool(frames[ident])
        )

    def still_running(self) -> list[str]:
        """Like `running`, for threads that do not end within a moment."""
        self._let_new_ones_begin()
        end = clock.monotonic() + GRACE_SECONDS
        while (names := self.running()) and clock.monotonic() < end:
            time.sleep(PAUSE_SECONDS)
        return [f"thread {name!r} is still running" for name in names]

    def _let_new_ones_begin(self) -> None:
        """A thread that `_thread` has just started has no frame yet, so it would be overlooked."""
        before, self._in_kernel = self._in_kernel, _threads_in_kernel()
        end = clock.monotonic() + BEGIN_SECONDS
        while self._in_kernel > before and not self.running() and clock.monotonic() < end:
            time.sleep(BEGIN_PAUSE_SECONDS)
            self._in_kernel = _threads_in_kernel()


def _threads_in_kernel() -> int:
    """Grows by one with each thread of this process; 0 on a system that does not say."""
    try:
        return os.stat("/proc/self/task").st_nlink  # noqa: PTH116 - asked after each job
    except OSError:
        return 0


def _waits_in_a_pool(frame: FrameType) -> bool:
    """True for a thread of a ThreadPoolExecutor without work. A module may keep such a pool for all jobs."""
    return frame.f_code.co_name == "_worker" and frame.f_globals.get("__name__") == "concurrent.futures.thread"

"""Threads that outlive their job. They cannot be ended from outside, so the worker is replaced."""

import sys
import threading
import time
from types import FrameType

from asyncinweb import clock

# How long a thread gets to end when its work is done.
GRACE_SECONDS, PAUSE_SECONDS = 0.1, 0.005
OWN_PREFIX = "asyncinweb-"
MAX_NAME = 80


class Threads:
    """Distinguishes threads that a job has started from earlier ones."""

    def __init__(self) -> None:
        self._known = frozenset(sys._current_frames())

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
        end = clock.monotonic() + GRACE_SECONDS
        while (names := self.running()) and clock.monotonic() < end:
            time.sleep(PAUSE_SECONDS)
        return [f"thread {name!r} is still running" for name in names]


def _waits_in_a_pool(frame: FrameType) -> bool:
    """True for a thread of a ThreadPoolExecutor without work. A module may keep such a pool for all jobs."""
    return frame.f_code.co_name == "_worker" and frame.f_globals.get("__name__") == "concurrent.futures.thread"

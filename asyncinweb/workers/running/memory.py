"""The memory limit of a task: what its process holds beyond what it held when the job began.

A thread looks at it many times a second and raises a MemoryError in the function at the limit, as at a time limit.
Far above the limit the kernel refuses more memory, in case it grows faster than the thread can look.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asyncinweb.workers.running.interruption import Interruption

try:
    import resource
except ImportError:  # this system has no such limits
    resource = None  # type: ignore[assignment]

# Address space costs nothing: 300 idle threads map 2.4 GB of stacks and touch next to none of it.
CEILING_TIMES, CEILING_BYTES = 4, 4_000_000_000
# Often enough for a process that takes 2 GB a second, but not all the time: a look takes 0.1 ms.
BYTES_PER_SECOND, SHORTEST_PAUSE, LONGEST_PAUSE = 2e9, 0.01, 0.1
# After the first time, the error is raised again only when this share of the limit was added: a process may keep
# what was freed.
AGAIN = 0.1
# In memory or swapped out; without files that are only mapped, which the kernel takes back when it needs room.
HELD = ("RssAnon:", "RssShmem:", "VmSwap:")


@contextmanager
def memory_limit(megabytes: int | None, job: object, interruption: Interruption) -> Iterator[None]:
    """Let the job's function hold this much more memory than now. No limit if the system cannot tell what is
    held."""
    if megabytes is None or resource is None or not (start := _status_bytes(HELD)):
        yield
        return
    with _ceiling(megabytes * 1_000_000):
        watch = MemoryWatch(start, megabytes, job, interruption)
        watch.start()
        try:
            yield
        finally:
            watch.stop()


class MemoryWatch(threading.Thread):
    """Watches one job's memory until it is stopped."""

    def __init__(self, start: int, megabytes: int, job: object, interruption: Interruption) -> None:
        super().__init__(name="asyncinweb-memory", daemon=True)
        self._limit = start + megabytes * 1_000_000
        self._step = int(megabytes * 1_000_000 * AGAIN)
        self._words = f"The job exceeded its memory limit ({megabytes} MB)."
        self._job = job
        self._interruption = interruption
        self._stopped = threading.Event()

    def stop(self) -> None:
        """The job has ended."""
        self._stopped.set()
        self.join()

    def run(self) -> None:
        raise_at = self._limit
        pause = 0.0
        while not self._stopped.wait(pause):
            held = _status_bytes(HELD)
            if held >= raise_at:
                self._interruption.refuse_memory(self._job, self._words)
                raise_at = held + self._step
            elif held < self._limit:
                raise_at = self._limit
            pause = min(max((raise_at - held) / BYTES_PER_SECOND, SHORTEST_PAUSE), LONGEST_PAUSE)


@contextmanager
def _ceiling(limit: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    ceiling = _status_bytes(("VmData:",)) + CEILING_TIMES * limit + CEILING_BYTES
    highest = before[1] if before[1] != resource.RLIM_INFINITY else ceiling
    resource.setrlimit(resource.RLIMIT_DATA, (min(ceiling, highest), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _status_bytes(keys: tuple[str, ...]) -> int:
    """The sum of these figures of this process; 0 where they can't be read."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    # The figures are in kB: proc(5).
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(keys))

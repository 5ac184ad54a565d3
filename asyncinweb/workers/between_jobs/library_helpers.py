"""Helper processes and threads that libraries keep for later: shut down with the job that they served.

None of these libraries is imported here; only those that a job has imported are handled. They offer no public way
to shut the helpers down; if a version keeps them elsewhere, the worker is replaced.
"""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing import process, resource_tracker, util
from typing import Any

# For all of them together; if they take longer, they stay and the worker is replaced.
SHUTDOWN_SECONDS = 1.5
LOKY = ("loky", "joblib.externals.loky")
# The priority of multiprocessing's last finalizers.
LEAST_URGENT = -100
_finalizers: dict[Any, Callable[[], object]] = util._finalizer_registry  # type: ignore[attr-defined]
_children: set[Any] = process._children  # type: ignore[attr-defined]


class LibraryHelpers:
    """Distinguishes helpers that a job has started from earlier ones."""

    def __init__(self) -> None:
        forget_tracker_of_supervisor()
        self._known = frozenset(_finalizers)

    def end_gracefully(self) -> bool:
        """End the helpers that can be asked to. False if that fails or takes too long."""
        return _in_time(self._end_each)

    def _end_each(self) -> None:
        _end_loky()
        _end_monitor_of_tqdm()
        self._run_finalizers(LEAST_URGENT + 1)
        forkserver = sys.modules.get("multiprocessing.forkserver")
        if forkserver is not None:
            forkserver._forkserver._stop()
        # Now the folder in which the fork server's socket was.
        self._run_finalizers(LEAST_URGENT)

    def _run_finalizers(self, least_priority: int) -> None:
        """What multiprocessing does at a program's end, for the pools, queues, managers and locks of this job."""
        new = [key for key in list(_finalizers) if key not in self._known and (key[0] or 0) >= least_priority]
        for key in sorted((key for key in new if key[0] is not None), reverse=True):
            finalizer = _finalizers.get(key)
            if finalizer is not None:
                finalizer()


def forget_tracker_of_supervisor() -> None:
    """Let a process of the worker's own track the semaphores and the shared memory of jobs, and remove them with
    their job. The supervisor's would keep them until the server ends."""
    _tracker(resource_tracker)._fd = None


def forget_children() -> None:
    """Tell multiprocessing that all children have ended. It would list those that we have reaped as active for
    ever, and at its end send signals to their process ids, which may belong to others by then."""
    while _children:
        popen = _children.pop()._popen
        if popen.returncode is None:
            popen.returncode = -signal.SIGKILL


def _tracker(module: Any) -> Any:
    return module._resource_tracker


def _trackers() -> Iterator[Any]:
    for name in ("multiprocessing.resource_tracker", *(f"{each}.backend.resource_tracker" for each in LOKY)):
        if name in sys.modules:
            yield _tracker(sys.modules[name])


def tracker_pids() -> set[int]:
    """Processes that remove what others leave in shared memory. They end after the others."""
    return {each._pid for each in _trackers() if each._pid is not None}


def stop_trackers() -> bool:
    """Let them finish their work. False if that fails or takes too long."""
    return _in_time(lambda: [each._stop() for each in _trackers()])


def _end_monitor_of_tqdm() -> None:
    monitor = getattr(getattr(sys.modules.get("tqdm.std"), "tqdm", None), "monitor", None)
    if monitor is not None:
        monitor.exit()


def _end_loky() -> None:
    for name in LOKY:
        executor = getattr(sys.modules.get(f"{name}.reusable_executor"), "_executor", None)
        if executor is not None:
            # joblib's own kind also removes the folder in which it shares arrays.
            getattr(executor, "terminate", executor.shutdown)(kill_workers=True)


def _in_time(work: Callable[[], object]) -> bool:
    """Do this in a thread, because it may never end. False if it fails or takes too long."""
    ended, failures = threading.Event(), []

    def attempt() -> None:
        try:
            work()
        except Exception as error:
            failures.append(error)
        ended.set()

    threading.Thread(target=attempt, name="asyncinweb-helpers", daemon=True).start()
    return ended.wait(SHUTDOWN_SECONDS) and not failures

"""One writer of a database at a time on this host, in the order of their requests.

A kernel lock queues its waiters; SQLite's own busy handler sleeps and guesses (worst wait with 8 processes: 3336
ms instead of 26-122 ms). Only speed depends on the lock: BEGIN IMMEDIATE keeps things correct without it.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asyncinweb import clock
from asyncinweb.errors import DatabaseBusy

try:
    import fcntl
except ImportError:  # this system has no such lock
    fcntl = None  # type: ignore[assignment]

# Closing any descriptor of a file drops this process's POSIX locks on it, so each lock file is opened once
# per process and never closed.
_open_locks: dict[Path, "WriteLock"] = {}
_opening = threading.Lock()
# How long a fork waits for another thread's write to end.
FORK_WAIT_SECONDS = 0.2


class WriteLock:
    """Use `write_lock(path)`. Holds between the threads of this process and between processes."""

    def __init__(self, path: Path) -> None:
        self._between_threads = threading.Lock()
        self._is_paused = False
        self._file: int | None = None
        if fcntl is not None:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    @contextmanager
    def held(self, timeout: float | None) -> Iterator[None]:
        """Wait for the lock, at most `timeout` seconds (None: as long as it takes). Raises DatabaseBusy."""
        if not self._between_threads.acquire(timeout=-1 if timeout is None else timeout):
            raise DatabaseBusy("The database is busy. Try again in a few seconds.")
        try:
            self._lock_file(timeout)
            try:
                yield
            finally:
                if self._file is not None:
                    fcntl.lockf(self._file, fcntl.LOCK_UN)
        finally:
            self._between_threads.release()

    def pause(self) -> None:
        """Keep the other threads from writing, if they stop within a moment."""
        self._is_paused = self._between_threads.acquire(timeout=FORK_WAIT_SECONDS)

    def go_on(self) -> None:
        """Let the other threads write again."""
        if self._is_paused:
            self._between_threads.release()

    def begin_anew(self) -> None:
        """In a forked child, where no other thread is left. The kernel's lock stays with the parent."""
        self._between_threads = threading.Lock()

    def _lock_file(self, timeout: float | None) -> None:
        if self._file is None:
            return
        if timeout is None:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            return
        # The kernel cannot wait with a time limit; short sleeps are enough for the few writes of a web process.
        end, wait = clock.monotonic() + timeout, threading.Event()
        while True:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except (BlockingIOError, PermissionError):
                if clock.monotonic() > end:
                    raise DatabaseBusy(
                        "Another process is holding the database's write lock. Try again in a few seconds."
                    ) from None
            wait.wait(0.002)


def write_lock(path: Path) -> WriteLock:
    """The lock of this process for the lock file `path`."""
    with _opening:
        if path not in _open_locks:
            _open_locks[path] = WriteLock(path)
        return _open_locks[path]


def _pause_writing() -> None:
    """Before a fork: the child would find SQLite in the middle of another thread's write, for ever."""
    for lock in _open_locks.values():
        lock.pause()


def _go_on_writing() -> None:
    for lock in _open_locks.values():
        lock.go_on()


def _begin_anew() -> None:
    global _opening
    _opening = threading.Lock()
    for lock in _open_locks.values():
        lock.begin_anew()


os.register_at_fork(before=_pause_writing, after_in_parent=_go_on_writing, after_in_child=_begin_anew)

"""SQLite's write-ahead log: its size, and copying it into the database while the write lock is held.

No commit overlaps a checkpoint, which avoids the bug that `driver_errors` names.
"""

import os
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from asyncinweb import clock

# A WAL above this many bytes is checkpointed by the holder of the write lock. SQLite cuts the file back to the
# same size when it starts over, so the size shows how much is really in it (docs/decisions/002).
WAL_LIMIT = 4_000_000
# Above this many bytes, readers must be in the way, so now and then the holder of the lock waits for them. In
# several short waits, because SQLite does not notice when the reader it waits for is replaced by one that is not
# in the way.
WAL_PRESSING = 16_000_000
READER_WAIT_SECONDS = 0.05
READER_WAITS = 4
PAUSE_BETWEEN_WAITS_SECONDS = 2.0


class WriteAheadLog:
    """The log of one database, as the holder of the write lock sees it."""

    def __init__(self, database_path: Path, busy_seconds: float) -> None:
        self._path = f"{database_path}-wal"
        self._busy_seconds = busy_seconds
        self._next_wait = 0.0
        self._next_size = 0

    @property
    def bytes(self) -> int:
        """The size of the log; 0 if there is none."""
        try:
            return os.stat(self._path).st_size  # noqa: PTH116 - the path is never opened
        except OSError:
            return 0

    def checkpoint_if_large(self, connection: Connection) -> None:
        """Copy a large log into the database, as far as readers allow it; wait for them now and then."""
        size = self.bytes
        if size <= WAL_LIMIT:
            return
        if size <= WAL_PRESSING or (clock.monotonic() < self._next_wait and size < self._next_size):
            checkpoint(connection, "PASSIVE")
        # Readers that overlap without a gap would keep the log from ever starting over.
        elif not self.checkpoint_waiting(connection, "RESTART"):
            self._next_wait = clock.monotonic() + PAUSE_BETWEEN_WAITS_SECONDS
            # Sooner if a lot is written: 40 MB/s would add 80 MB until then.
            self._next_size = size * 3 // 2

    def checkpoint_waiting(self, connection: Connection, mode: str) -> bool:
        """Checkpoint and wait briefly for readers. False if one is in the way."""
        driver_connection: Any = connection.connection.dbapi_connection
        set_busy_timeout(driver_connection, READER_WAIT_SECONDS)
        try:
            return any(checkpoint(connection, mode) for _ in range(READER_WAITS))
        finally:
            set_busy_timeout(driver_connection, self._busy_seconds)


def checkpoint(connection: Connection, mode: str) -> bool:
    """Checkpoint. False if a reader prevented part of it (PASSIVE does not say)."""
    driver_connection: Any = connection.connection.dbapi_connection
    ((is_busy, _, _),) = driver_connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
    return not is_busy


def set_busy_timeout(driver_connection: Any, seconds: float) -> None:
    """Set how long SQLite waits for another connection, in seconds."""
    driver_connection.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")

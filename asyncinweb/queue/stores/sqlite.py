"""Opening the SQLite database: engines, pragmas, the write transaction. No verbs, no tables.

Never open, copy, hash or send the database file with ordinary file calls in a process that has it open: closing
any descriptor of it drops SQLite's locks, and committed rows are lost that way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.orm import Session

from asyncinweb.queue.stores.driver_errors import readable_errors, reopening, sqlite3
from asyncinweb.queue.stores.file_identity import SameFile, open_existing
from asyncinweb.queue.stores.file_system import refuse_network_file_system
from asyncinweb.queue.stores.forks import leave_at_fork
from asyncinweb.queue.stores.wal import WAL_LIMIT, WriteAheadLog, checkpoint, set_busy_timeout
from asyncinweb.queue.stores.write_lock import WriteLock, write_lock

Durability = Literal["full", "normal"]


@dataclass(frozen=True)
class Patience:
    """How long a process waits for other processes: for the write lock (None: as long as it takes) and for
    SQLite."""

    lock_seconds: float | None
    busy_seconds: float


# A visitor can try again; a worker has a result to deliver.
WEB = Patience(lock_seconds=5.0, busy_seconds=5.0)
WORKER = Patience(lock_seconds=None, busy_seconds=15.0)


@dataclass
class Database:
    """The database as one process sees it: `write()` for changes, `read()` for queries."""

    path: Path
    durability: Durability = "full"
    patience: Patience = WORKER
    _writer: Engine = field(init=False, repr=False)
    _reader: Engine = field(init=False, repr=False)
    _lock: WriteLock = field(init=False, repr=False)
    _wal: WriteAheadLog = field(init=False, repr=False)
    _file: SameFile = field(init=False, repr=False)

    def __post_init__(self) -> None:
        refuse_network_file_system(self.path)
        self._file = SameFile(self.path)
        self._wal = WriteAheadLog(self.path, self.patience.busy_seconds)
        with readable_errors(self.path):
            self._lock = write_lock(self.path.with_name(self.path.name + ".lock"))
        # The lock lets one writer through at a time, so one connection is enough.
        self._writer = create_engine(sqlite_url(self.path), module=sqlite3, pool_size=1, max_overflow=0)
        _prepare_writer(self._writer, self.durability, self.patience.busy_seconds)
        self._reader = create_engine(sqlite_url(self.path), module=sqlite3)
        prepare_reader(self._reader, self.patience.busy_seconds)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A write transaction: committed at the end, rolled back by any exception.

        Keep it short: no rendering, no files, no user code. Raises DatabaseBusy, DatabaseUnusable.
        """
        with self._alone() as connection:
            with reopening(connection), connection.begin():
                yield connection
            self._wal.checkpoint_if_large(connection)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one moment of the database and cannot change it."""
        self._file.check()
        with readable_errors(self.path), Session(self._reader) as session:
            yield session

    @contextmanager
    def glance(self) -> Iterator[Connection]:
        """A connection for single `Prepared` queries; each sees its own moment. The cheapest way to read, for code
        that polls every second."""
        self._file.check()
        with readable_errors(self.path), self._reader.connect() as connection:
            yield connection

    def copy_into(self, path: Path) -> None:
        """Copy the database, as it is at this moment, to a new file. Other processes keep reading and writing."""
        with self.glance() as connection:
            driver_connection: Any = connection.connection.dbapi_connection
            # This writes only to the new file, but SQLite cannot know that.
            driver_connection.execute("PRAGMA query_only=OFF")
            try:
                driver_connection.execute("VACUUM INTO ?", (str(path),))
            finally:
                driver_connection.execute("PRAGMA query_only=ON")

    def close(self) -> None:
        """Close all connections of this process."""
        self._writer.dispose()
        self._reader.dispose()

    @property
    def wal_bytes(self) -> int:
        """Size of the write-ahead log in bytes; 0 if there is none."""
        return self._wal.bytes

    def checkpoint(self) -> None:
        """Copy the write-ahead log into the database, as far as readers allow it."""
        with self._alone() as connection:
            checkpoint(connection, "PASSIVE")

    def empty_wal(self) -> bool:
        """The same, and empty the file. False if a reader is in the way."""
        with self._alone() as connection:
            return self._wal.checkpoint_waiting(connection, "TRUNCATE")

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        # Under the write lock no commit overlaps a checkpoint, which avoids the bug that `driver_errors` names.
        with (
            readable_errors(self.path),
            self._lock.held(self.patience.lock_seconds),
            self._writer.connect() as connection,
        ):
            self._file.check()
            yield connection


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def sqlite_url(path: Path) -> URL:
    """The SQLAlchemy URL of a SQLite file, whatever characters its path has."""
    return URL.create("sqlite", database=str(path))


def _prepare_writer(engine: Engine, durability: Durability, busy_seconds: float) -> None:
    """For connections that are opened under the write lock."""
    _prepare(engine, busy_seconds, "BEGIN IMMEDIATE")

    @event.listens_for(engine, "connect")
    def use_wal(connection: Any, _: object) -> None:
        # Of two connections that change the mode at once, SQLite refuses one without waiting.
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        if mode != "wal":
            raise sqlite3.OperationalError(f"unable to use WAL (SQLite answered {mode!r})")
        connection.execute(f"PRAGMA synchronous={durability.upper()}")


def prepare_reader(engine: Engine, busy_seconds: float) -> None:
    """For connections that cannot change anything."""
    _prepare(engine, busy_seconds, "BEGIN")

    @event.listens_for(engine, "connect")
    def refuse_writes(connection: Any, _: object) -> None:
        connection.execute("PRAGMA query_only=ON")


def _prepare(engine: Engine, busy_seconds: float, begin: str) -> None:
    """Set pragmas and the BEGIN of this one engine. Never listen on the Engine class: that would affect a host
    app's engines."""
    open_existing(engine)
    leave_at_fork(engine)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _: object) -> None:
        # Without this the driver sends its own BEGINs, too late and deferred.
        connection.isolation_level = None
        # One text that is not UTF-8 would otherwise take all rows of its answer with it.
        connection.text_factory = _text
        set_busy_timeout(connection, busy_seconds)
        for pragma in (
            "wal_autocheckpoint=0",
            "foreign_keys=ON",
            f"journal_size_limit={WAL_LIMIT}",
            "cache_size=-8000",
            "mmap_size=0",
            "temp_store=MEMORY",
            "trusted_schema=OFF",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def send_begin(connection: Connection) -> None:
        driver_connection: Any = connection.connection.dbapi_connection
        driver_connection.execute(begin)

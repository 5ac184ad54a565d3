"""Opening the database: engines, pragmas, the write transaction, the checkpoint. No verbs, no tables.

Never open, copy, hash or send the database file with ordinary file calls in a process that has it open: closing
any descriptor of it drops SQLite's locks, and committed rows are lost that way.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from asyncinweb import clock
from asyncinweb.errors import AsyncInWebError, DatabaseBusy, DatabaseDamaged, DatabaseUnusable
from asyncinweb.queue.stores.file_identity import SameFile, open_existing
from asyncinweb.queue.stores.write_lock import WriteLock, write_lock

try:
    import pysqlite3.dbapi2 as sqlite3  # type: ignore[import-not-found]  # a current SQLite, if installed
except ImportError:
    import sqlite3

Durability = Literal["full", "normal"]

# A WAL above this many bytes is checkpointed by whoever holds the write lock. SQLite cuts the file back to the
# same size when it starts over, so that its size tells how much is really in it (docs/decisions/002).
WAL_LIMIT = 4_000_000
# Above this many bytes readers must be in the way: now and then whoever holds the lock waits for them. In several
# short waits: SQLite does not see that the reader it waits for has made room for one that is not in the way.
WAL_PRESSING = 16_000_000
READER_WAIT_SECONDS = 0.05
READER_WAITS = 4
PAUSE_BETWEEN_WAITS_SECONDS = 2.0
NETWORK_FILE_SYSTEMS = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "fuse.sshfs",
    "afs",
    "ceph",
    "glusterfs",
}
MOUNTINFO = Path("/proc/self/mountinfo")
# Fixed in 3.51.3: two processes that checkpoint and write at once could damage the file.
FIRST_SOUND_SQLITE = (3, 51, 3)


@dataclass(frozen=True)
class Patience:
    """How long a process waits for others: for the write lock (None: as long as it takes) and for SQLite."""

    lock_seconds: float | None
    busy_seconds: float


# A visitor is told to try again; a worker has a result to bring home.
WEB = Patience(lock_seconds=5.0, busy_seconds=5.0)
WORKER = Patience(lock_seconds=None, busy_seconds=15.0)


@dataclass
class Database:
    """The database as one process sees it: `write()` for changes, `read()` for questions."""

    path: Path
    durability: Durability = "full"
    patience: Patience = WORKER
    _writer: Engine = field(init=False, repr=False)
    _reader: Engine = field(init=False, repr=False)
    _lock: WriteLock = field(init=False, repr=False)
    _next_wait: float = field(init=False, repr=False, default=0.0)
    _next_size: int = field(init=False, repr=False, default=0)
    _file: SameFile = field(init=False, repr=False)

    def __post_init__(self) -> None:
        refuse_network_file_system(self.path)
        self._file = SameFile(self.path)
        with _readable_errors(self.path):
            self._lock = write_lock(self.path.with_name(self.path.name + ".lock"))
        # The lock lets one writer through at a time, so one connection is enough.
        self._writer = create_engine(sqlite_url(self.path), module=sqlite3, pool_size=1, max_overflow=0)
        _prepare_writer(self._writer, self.durability, self.patience.busy_seconds)
        self._reader = create_engine(sqlite_url(self.path), module=sqlite3)
        prepare_reader(self._reader, self.patience.busy_seconds)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A write transaction: committed at the end, rolled back by any exception.

        Keep it short: no rendering, no files, no code of users. Raises DatabaseBusy, DatabaseUnusable.
        """
        with self._alone() as connection:
            with _reopening(connection), connection.begin():
                yield connection
            self._checkpoint_if_large(connection)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one moment of the database and cannot change it."""
        self._file.check()
        with _readable_errors(self.path), Session(self._reader) as session:
            yield session

    @contextmanager
    def glance(self) -> Iterator[Connection]:
        """A connection for single `Prepared` questions, each of which sees its own moment. The cheapest way to
        ask, for whoever asks once a second for ever."""
        self._file.check()
        with _readable_errors(self.path), self._reader.connect() as connection:
            yield connection

    def copy_into(self, path: Path) -> None:
        """Write a new database file as this one is at this moment. Others go on reading and writing."""
        with self.glance() as connection:
            driver_connection: Any = connection.connection.dbapi_connection
            # It writes to no file but the new one, which SQLite does not see.
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
        """Size of the write-ahead log; 0 where there is none."""
        try:
            return os.stat(f"{self.path}-wal").st_size  # noqa: PTH116 - the path is never opened
        except OSError:
            return 0

    def checkpoint(self) -> None:
        """Bring what the write-ahead log has into the database, as far as readers let it."""
        with self._alone() as connection:
            _checkpoint(connection, "PASSIVE")

    def empty_wal(self) -> bool:
        """The same, and cut the file to nothing. False if a reader is in the way."""
        with self._alone() as connection:
            return self._checkpoint_waiting(connection, "TRUNCATE")

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        # Under the write lock no commit overlaps a checkpoint, which keeps clear of the fault named above.
        with (
            _readable_errors(self.path),
            self._lock.held(self.patience.lock_seconds),
            self._writer.connect() as connection,
        ):
            self._file.check()
            yield connection

    def _checkpoint_if_large(self, connection: Connection) -> None:
        size = self.wal_bytes
        if size <= WAL_LIMIT:
            return
        if size <= WAL_PRESSING or (clock.monotonic() < self._next_wait and size < self._next_size):
            _checkpoint(connection, "PASSIVE")
        # Readers that overlap without a gap would keep the log from ever starting over.
        elif not self._checkpoint_waiting(connection, "RESTART"):
            self._next_wait = clock.monotonic() + PAUSE_BETWEEN_WAITS_SECONDS
            # Sooner if much is written: 40 MB/s would be 80 MB until then.
            self._next_size = size * 3 // 2

    def _checkpoint_waiting(self, connection: Connection, mode: str) -> bool:
        driver_connection: Any = connection.connection.dbapi_connection
        _set_busy_timeout(driver_connection, READER_WAIT_SECONDS)
        try:
            return any(_checkpoint(connection, mode) for _ in range(READER_WAITS))
        finally:
            _set_busy_timeout(driver_connection, self.patience.busy_seconds)


def _checkpoint(connection: Connection, mode: str) -> bool:
    """False if a reader kept it from being complete (PASSIVE does not tell)."""
    driver_connection: Any = connection.connection.dbapi_connection
    ((is_busy, _, _),) = driver_connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
    return not is_busy


def _set_busy_timeout(driver_connection: Any, seconds: float) -> None:
    driver_connection.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")


def sqlite_url(path: Path) -> URL:
    """SQLAlchemy's address of a SQLite file, whatever characters the path has."""
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
    """Set pragmas and the BEGIN of this one engine. Never listen on the Engine class: it would hit a host's."""
    open_existing(engine)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _: object) -> None:
        # Without this the driver sends its own BEGINs, too late and deferred.
        connection.isolation_level = None
        _set_busy_timeout(connection, busy_seconds)
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


def sqlite_version() -> tuple[int, ...]:
    """Version of the SQLite library in use."""
    version: tuple[int, ...] = sqlite3.sqlite_version_info
    return version


def sqlite_fault() -> str:
    """What is wrong with this SQLite, and the cure; "" for a current one."""
    if sqlite_version() >= FIRST_SOUND_SQLITE:
        return ""
    return (
        "this SQLite has a rare fault in WAL mode (fixed in 3.51.3), which the write lock here avoids; "
        "for a current one: pip install 'asyncinweb[sqlite]'"
    )


@contextmanager
def _reopening(connection: Connection) -> Iterator[None]:
    """Give up a connection that was opened while the file was read-only: it would stay so for ever."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        if "readonly" in str(error):
            connection.invalidate()
        raise


@contextmanager
def _readable_errors(path: Path) -> Iterator[None]:
    """Turn the driver's errors, bare or wrapped by SQLAlchemy, into ours."""
    try:
        yield
    except DBAPIError as error:
        raise readable(error.orig, path) from error
    except (sqlite3.Error, OSError) as error:
        raise readable(error, path) from error


def readable(error: BaseException | None, path: Path) -> AsyncInWebError:
    """An error of the driver or the system in our words, with the cure."""
    message = str(error)
    if isinstance(error, sqlite3.IntegrityError) or error is None:
        return DatabaseUnusable(f"The database {path} refused the change: {message}.")
    if "locked" in message or "busy" in message:
        return DatabaseBusy("Another process keeps the database locked; try again in a few seconds.")
    if "malformed" in message or "not a database" in message:
        return DatabaseDamaged(
            f"The database {path} is damaged: {message}. Move it away and put a backup in its place."
        )
    return DatabaseUnusable(
        f"The database {path} cannot be used: {message}. Check that the folder exists, may be written to, "
        "and that the disk is not full."
    )


def refuse_network_file_system(path: Path, mountinfo: Path = MOUNTINFO) -> None:
    """Raise DatabaseUnusable if `path` is on a network file system, where WAL does not work."""
    kind = file_system_of(path, mountinfo)
    if kind in NETWORK_FILE_SYSTEMS:
        raise DatabaseUnusable(
            f"The database {path} would be on a network file system ({kind}), where SQLite loses data. "
            "Choose a folder on a local disk: --instance DIR"
        )


def file_system_of(path: Path, mountinfo: Path = MOUNTINFO) -> str:
    """The kind of file system that `path` is on, such as ext4; "" on a system that does not tell."""
    try:
        lines = mountinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    mounts = [_mount(line) for line in lines]
    holding = [(point, kind) for point, kind in mounts if path.absolute().is_relative_to(point)]
    return max(holding, key=lambda mount: len(mount[0].parts), default=(Path("/"), ""))[1]


def _mount(line: str) -> tuple[Path, str]:
    """Mount point and type of one line of /proc/self/mountinfo (proc(5)); spaces stand there as \\040."""
    before, _, after = line.partition(" - ")
    point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), before.split(" ")[4])
    return Path(point), after.split(" ")[0]

"""The SQLite driver in use, and its errors turned into ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from asyncinweb.errors import AsyncInWebError, DatabaseBusy, DatabaseDamaged, DatabaseUnusable

try:
    import pysqlite3.dbapi2 as sqlite3  # type: ignore[import-not-found]  # a current SQLite, if installed
except ImportError:
    import sqlite3

__all__ = [
    "FIRST_SOUND_SQLITE",
    "readable",
    "readable_errors",
    "reopening",
    "sqlite3",
    "sqlite_fault",
    "sqlite_version",
]

# Fixed in 3.51.3: two processes that checkpoint and write at once could damage the file.
FIRST_SOUND_SQLITE = (3, 51, 3)


def sqlite_version() -> tuple[int, ...]:
    """Version of the SQLite library in use."""
    version: tuple[int, ...] = sqlite3.sqlite_version_info
    return version


def sqlite_fault() -> str:
    """What is wrong with this version of SQLite, and the cure; "" for a current one."""
    if sqlite_version() >= FIRST_SOUND_SQLITE:
        return ""
    return (
        "versions before 3.51.3 have a rare bug in WAL mode, which our write lock avoids; "
        "for a newer one: pip install 'asyncinweb[sqlite]'"
    )


@contextmanager
def reopening(connection: Connection) -> Iterator[None]:
    """Discard a connection that was opened while the file was read-only: it would stay read-only for ever."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        if "readonly" in str(error):
            connection.invalidate()
        raise


@contextmanager
def readable_errors(path: Path) -> Iterator[None]:
    """Turn the driver's errors, bare or wrapped by SQLAlchemy, into ours."""
    try:
        yield
    except DBAPIError as error:
        raise readable(error.orig, path) from error
    except (sqlite3.Error, OSError) as error:
        raise readable(error, path) from error


def readable(error: BaseException | None, path: Path) -> AsyncInWebError:
    """An error of the driver or the system as one of ours, with the cure."""
    message = str(error)
    if isinstance(error, sqlite3.IntegrityError) or error is None:
        return DatabaseUnusable(f"The database {path} refused the change: {message}.")
    if "locked" in message or "busy" in message:
        return DatabaseBusy("Another process has locked the database. Try again in a few seconds.")
    if "malformed" in message or "not a database" in message:
        return DatabaseDamaged(
            f"The database {path} is damaged: {message}. Restore a backup: asyncinweb restore FILE"
        )
    return DatabaseUnusable(
        f"Cannot use the database {path}: {message}. Check that its folder exists and is writable, and that the "
        "disk is not full."
    )

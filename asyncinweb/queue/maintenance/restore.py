"""Restoring a backup and keeping the data it replaces. No other process may use the folder meanwhile."""

import os
import re
import shutil
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from asyncinweb import clock
from asyncinweb.errors import AsyncInWebError, CannotStart, DatabaseDamaged
from asyncinweb.queue.files.instance import make_private, private
from asyncinweb.queue.maintenance.backup import (
    DATABASE_NAME,
    JOBS_NAME,
    disk_errors,
    refuse_unsound,
    scratch_folder,
)
from asyncinweb.queue.schema import refuse_newer
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.tasks.inputs.arguments import sync_folder

# The names that `backup` writes. Anything else in an archive would end up outside the folders of jobs.
MEMBER = re.compile(rf"{re.escape(DATABASE_NAME)}|{JOBS_NAME}/[^/]{{2}}/[^/]+(/(?!\.\.?(/|$))[^/\0\\]+)+")

HEADER = b"SQLite format 3\0"


@dataclass(frozen=True)
class Restored:
    """What was restored, and the folder with the data that was there before (None: there was none)."""

    jobs: int
    files: int
    replaced: Path | None


def restore(database_path: Path, instance: Path, source: Path) -> Restored:
    """Put a backup in place. The caller holds the folder's lock.

    The next start settles jobs that were running when the backup was made. Raises AsyncInWebError if the file does
    not exist, CannotStart if a program has the database open, DatabaseDamaged, SchemaTooNew; then nothing changed.
    """
    if not source.is_file():
        raise AsyncInWebError(f"There is no file {source}.")
    with (
        disk_errors(f"Cannot restore the backup {source}", "its contents, beside the current data"),
        scratch_folder(instance, "restore") as scratch,
    ):
        with _readable_damage(source):
            files = _unpack(source, scratch)
        jobs = _make_ready(scratch / DATABASE_NAME)
        settled = _settled(database_path)
        replaced = instance / f"replaced-{clock.now():%Y%m%d-%H%M%S}"
        if (scratch / JOBS_NAME).is_dir():
            _swap_jobs(scratch / JOBS_NAME, instance / JOBS_NAME, replaced)
        _swap_database(scratch / DATABASE_NAME, database_path, replaced, settled=settled)
        sync_folder(instance)
    return Restored(jobs, files, replaced if replaced.exists() else None)


@contextmanager
def _readable_damage(source: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DatabaseDamaged(f"{source} is damaged, or is not an asyncinweb backup: {error}.") from error


def _unpack(source: Path, folder: Path) -> int:
    """Unpack the archive, which checks every file in it. The number of job files."""
    files = 0
    with zipfile.ZipFile(source) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        names = [member.filename for member in members]
        strange = [name for name in names if not MEMBER.fullmatch(name) or ".." in name.split("/")]
        if strange or DATABASE_NAME not in names:
            raise zipfile.BadZipFile(
                f"unexpected content {strange[0]!r}" if strange else "it contains no database"
            )
        for member in members:
            path = folder / member.filename
            make_private(path.parent)
            with archive.open(member) as packed, open(path, "xb", opener=private) as file:
                shutil.copyfileobj(packed, file, 1_000_000)
                file.flush()
                os.fsync(file.fileno())
            files += member.filename != DATABASE_NAME
    return files


def _make_ready(path: Path) -> int:
    """Check the unpacked database and remove the registered processes. The number of jobs."""
    database = Database(path)
    try:
        refuse_unsound(database)
        refuse_newer(database)
        with database.write() as connection:
            connection.execute(text("DELETE FROM asyncinweb_workers"))
            connection.execute(text("DELETE FROM asyncinweb_supervisors"))
            jobs: int = connection.scalar(text("SELECT count(*) FROM asyncinweb_jobs"))
    finally:
        database.close()
    return jobs


def _settled(path: Path) -> bool:
    """Bring everything into the database file, so that it needs no log. False if it is missing or damaged.

    Raises CannotStart if any other program has it open: SQLite leaves WAL mode only for its last user.
    """
    # A file that is not SQLite's stays closed: opening it would delete its log. No program can have it open then.
    if not path.exists() or not _has_header(path):
        return False
    try:
        with closing(sqlite3.connect(path, timeout=0.5)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        raise CannotStart(
            f"Cannot replace the database {path}: {error}. First stop the server and every other program that "
            "uses it."
        ) from None
    except sqlite3.DatabaseError:
        return False
    return True


def _has_header(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(HEADER)) == HEADER


def _swap_jobs(new: Path, place: Path, replaced: Path) -> None:
    if place.exists():
        make_private(replaced)
        place.rename(replaced / JOBS_NAME)
    new.rename(place)


def _swap_database(new: Path, place: Path, replaced: Path, *, settled: bool) -> None:
    """The new database takes the name in one step, so that there is a database at every moment."""
    make_private(place.parent)
    if place.exists():
        make_private(replaced)
        if not settled:
            _move_away(place, replaced)
        else:
            _keep(place, replaced / place.name)
    new.replace(place)
    sync_folder(place.parent)


def _keep(path: Path, kept: Path) -> None:
    try:
        kept.hardlink_to(path)
    except OSError:  # another disk, or a file system without links
        shutil.copy2(path, kept)


def _move_away(place: Path, replaced: Path) -> None:
    """A damaged database is moved with its log, which belongs to it alone and would spoil the new one."""
    for suffix in ("-shm", "-wal", ""):
        with suppress(FileNotFoundError):
            shutil.move(f"{place}{suffix}", replaced / f"{place.name}{suffix}")

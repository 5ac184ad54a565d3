"""A backup: one ZIP file with the database and the files of its jobs, made while the server runs.

SQLite itself copies the database, as it is at one moment. The backup does not contain the secret key.
"""

import errno
import os
import secrets
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select, text

from asyncinweb.errors import AsyncInWebError, DatabaseDamaged
from asyncinweb.queue.files.instance import private
from asyncinweb.queue.maintenance.retention import folders_of_jobs
from asyncinweb.queue.models import Job
from asyncinweb.queue.schema import current_revision, refuse_newer
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.tasks.inputs.arguments import sync_folder

DATABASE_NAME, JOBS_NAME = "asyncinweb.db", "jobs"
# Level 1: a disk is hardly faster, and higher levels gain little.
COMPRESSION_LEVEL = 1


@dataclass(frozen=True)
class Backup:
    """What a backup contains. `size` in bytes."""

    path: Path
    size: int
    jobs: int
    files: int


def back_up(database: Database, instance: Path, target: Path, *, overwrite: bool, with_files: bool) -> Backup:
    """Save everything to the new file `target`, which is complete or not there at all.

    Raises AsyncInWebError for an unusable target and a full disk, DatabaseDamaged, SchemaTooNew.
    """
    _refuse(target, overwrite=overwrite)
    refuse_newer(database)
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    room = "a copy of the database in the instance folder, and for the backup"
    with (
        disk_errors(f"Cannot create the backup {target}", room),
        scratch_folder(instance, "backup") as scratch,
    ):
        copy = copied(database, scratch / DATABASE_NAME)
        try:
            jobs, files = _pack(copy, instance if with_files else None, partial)
            size = partial.stat().st_size
            _put_in_place(partial, target, overwrite=overwrite)
        finally:
            copy.close()
            partial.unlink(missing_ok=True)
    return Backup(target, size, jobs, files)


def _refuse(target: Path, *, overwrite: bool) -> None:
    if not target.parent.is_dir():
        raise AsyncInWebError(
            f"The folder {target.parent} does not exist. Create it first: mkdir -p {target.parent}"
        )
    if target.is_dir():
        raise AsyncInWebError(f"{target} is a folder. Name a file in it, such as {target / 'asyncinweb.zip'}")
    if target.exists() and not overwrite:
        raise AsyncInWebError(f"{target} already exists. Choose another name, or add --overwrite.")


def copied(database: Database, path: Path) -> Database:
    """An undamaged copy of the database as it is at one moment. Raises DatabaseDamaged."""
    # On a local disk, so that SQLite can check it; the target of a backup may be anywhere.
    database.copy_into(path)
    path.chmod(0o600)
    copy = Database(path)
    try:
        refuse_unsound(copy)
    except BaseException:
        copy.close()
        raise
    return copy


def refuse_unsound(database: Database) -> None:
    """Raise DatabaseDamaged if any part of the file is damaged, or it is not one of our databases."""
    faults = integrity_faults(database)
    if faults:
        raise DatabaseDamaged(f"The database {database.path} is damaged: {'; '.join(faults)}.")
    if current_revision(database) is None:
        raise DatabaseDamaged(f"{database.path} is not an asyncinweb database.")


def integrity_faults(database: Database, most: int = 3) -> list[str]:
    """What SQLite finds wrong with the file; empty if it finds nothing. Reads the whole file."""
    with database.read() as session:
        found = list(session.scalars(text(f"PRAGMA integrity_check({most})")))
    return [] if found == ["ok"] else found


def _pack(copy: Database, instance: Path | None, partial: Path) -> tuple[int, int]:
    """Write the archive and flush it to disk. The numbers of jobs and of job files in it."""
    files = 0
    with copy.read() as session:
        jobs = session.scalar(text("SELECT count(*) FROM asyncinweb_jobs")) or 0
    with open(partial, "xb", opener=private) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION_LEVEL) as archive:
            for path, name in _contents(copy, instance):
                files += _add(archive, path, name)
            # Last, and closed before it is read as a file: closing any descriptor of it drops SQLite's locks.
            copy.close()
            archive.write(copy.path, DATABASE_NAME)
        file.flush()
        os.fsync(file.fileno())
    return jobs, files


def _contents(copy: Database, instance: Path | None) -> Iterator[tuple[Path, str]]:
    """The files of the jobs that are in the copy, and their names in the archive."""
    if instance is None:
        return
    for folder in folders_of_jobs(instance):
        with copy.read() as session:
            is_known = session.scalar(select(Job.id).where(Job.slug == folder.name)) is not None
        for path in sorted(folder.rglob("*")) if is_known else ():
            if path.parent == folder and path.name.startswith("."):
                continue  # it is being written
            yield path, f"{JOBS_NAME}/{path.relative_to(instance / JOBS_NAME)}"


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> bool:
    """False for anything that is not a file, or has just been deleted with its job."""
    if path.is_symlink() or not path.is_file():
        return False
    try:
        archive.write(path, name)
    except FileNotFoundError:
        return False
    return True


def _put_in_place(partial: Path, target: Path, *, overwrite: bool) -> None:
    if overwrite:
        partial.replace(target)
    else:
        _link(partial, target)
    sync_folder(target.parent)


def _link(partial: Path, target: Path) -> None:
    """Give the file its name, unless another file now has that name."""
    try:
        target.hardlink_to(partial)
    except FileExistsError:
        raise AsyncInWebError(f"{target} now exists. Choose another name, or add --overwrite.") from None
    except OSError:  # a file system without links, such as that of a memory stick
        partial.replace(target)


@contextmanager
def scratch_folder(instance: Path, purpose: str) -> Iterator[Path]:
    """A folder for work in progress, deleted at the end. `retention` deletes one that a crash left behind."""
    folder = instance / f".{purpose}-{secrets.token_hex(4)}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def disk_errors(doing: str, room: str) -> Iterator[None]:
    """Turn a disk's errors into ours. doing: "Cannot create the backup x"; room: what the space is needed for."""
    try:
        yield
    except AsyncInWebError as error:
        if "disk is full" not in str(error.__cause__):
            raise
        raise AsyncInWebError(f"{doing}: the disk is full. It needs room for {room}.") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise AsyncInWebError(f"{doing}: the disk is full. It needs room for {room}.") from error
        raise AsyncInWebError(f"{doing}: {error.strerror} ({error.filename}).") from error

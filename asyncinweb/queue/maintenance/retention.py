"""Keeping the store small: deletes, in batches, jobs past their retention period and folders without a job.

Nothing here decides when. Every step is short, so that other processes get the write lock in between.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select, text

from asyncinweb import clock
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.files.uploads import remove_abandoned
from asyncinweb.queue.models import Job
from asyncinweb.queue.removal import prune
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.settings import Settings

# With a million finished jobs and full durability the lock is then held for 16 ms (median; p99 32), half of that
# for the commit, and separately for 7 ms more to bring the batch from the write-ahead log into the file.
BATCH_SECONDS = 0.006
# A folder may be younger than the row of its job.
YOUNG_SECONDS = 3_600.0
DAY_SECONDS = 86_400.0
# A log this small is not worth a flush; heartbeats alone reach this size within a few minutes.
IDLE_WAL_BYTES = 100_000
# Above this size, a reader must be stuck, or many overlap without a gap.
WAL_BOUND_BYTES = 64_000_000


@dataclass(frozen=True)
class Cleaned:
    """What one step has deleted."""

    jobs: int = 0
    folders: int = 0


def clean(database: Database, settings: Settings) -> Iterator[Cleaned]:
    """Delete what is past its retention, step by step. The caller pauses after each step that deleted jobs."""
    while slugs := prune_batch(database, settings.keep_days):
        for slug in slugs:
            JobFolder(settings.instance, slug).remove()
        # Holding the lock separately. Left to the log's limit, this would add 70 ms to another process's commit.
        database.checkpoint()
        yield Cleaned(jobs=len(slugs))
    for group in _folders_in(settings.instance / "jobs"):
        yield Cleaned(folders=remove_orphans(database, settings, group))
    remove_abandoned(settings.instance)
    remove_scratch(settings.instance)


def prune_batch(database: Database, keep_days: float) -> list[str]:
    """Delete the rows of as many jobs as a short transaction allows. Their slugs; empty if none are left."""
    slugs: list[str] = []
    with database.write() as connection:
        end = clock.monotonic() + BATCH_SECONDS
        while some := prune(connection, keep_days):
            slugs += some
            if clock.monotonic() > end:
                break
    return slugs


def remove_orphans(database: Database, settings: Settings, group: Path) -> int:
    """Delete folders without a job, which a crash between deleting rows and files leaves behind. How many.

    Only those whose job would be past its retention: if a wrong database was put in place of the right one, the
    files are not lost at once.
    """
    oldest = clock.now().timestamp() - max(settings.keep_days * DAY_SECONDS, YOUNG_SECONDS)
    found = [folder.name for folder in _folders_in(group) if _last_change(folder) < oldest]
    with database.read() as session:
        known = set(session.scalars(select(Job.slug).where(Job.slug.in_(found))))
    orphans = [slug for slug in found if slug not in known]
    for slug in orphans:
        JobFolder(settings.instance, slug).remove()
    return len(orphans)


def remove_scratch(instance: Path) -> None:
    """Delete what a killed backup or restore has left half done."""
    oldest = clock.now().timestamp() - DAY_SECONDS
    for folder in _folders_in(instance):
        if folder.name.startswith((".backup-", ".restore-")) and _last_change(folder) < oldest:
            shutil.rmtree(folder, ignore_errors=True)


def folders_of_jobs(instance: Path) -> Iterator[Path]:
    """The folders of all jobs that have one."""
    for group in _folders_in(instance / "jobs"):
        yield from _folders_in(group)


def is_young(folder: Path) -> bool:
    """True if the job of this folder may not be stored yet."""
    return _last_change(folder) > clock.now().timestamp() - YOUNG_SECONDS


def _folders_in(folder: Path) -> list[Path]:
    try:
        return sorted(each for each in folder.iterdir() if each.is_dir())
    except FileNotFoundError:
        return []


def _last_change(folder: Path) -> float:
    """When a folder or something in it last changed, in seconds since 1970; `inf` if it is gone."""
    try:
        return max(each.stat().st_mtime for each in (folder, *folder.iterdir()))
    except FileNotFoundError:
        return float("inf")


def tidy_wal(database: Database) -> None:
    """When no job is queued or running, bring the write-ahead log into the database and empty it."""
    if database.wal_bytes > IDLE_WAL_BYTES and _is_idle(database):
        database.empty_wal()


def _is_idle(database: Database) -> bool:
    busy = select(Job.id).where(text("state IN ('queued', 'processing')")).limit(1)
    with database.read() as session:
        return session.scalar(busy) is None

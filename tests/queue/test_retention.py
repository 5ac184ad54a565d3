"""Keeping the store small: retention in short steps, folders whose job is gone, the write-ahead log."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from queue_room import change, new_job, perform, rows, start, submit
from sqlalchemy import text

from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.maintenance import retention
from asyncinweb.queue.maintenance.retention import IDLE_WAL_BYTES, WAL_BOUND_BYTES, clean, tidy_wal
from asyncinweb.queue.removal import PRUNE_AT_ONCE, prune
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.stores.wal import WAL_LIMIT
from asyncinweb.queue.submitting import enqueue
from asyncinweb.settings import Settings

DAY = 86_400.0


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(instance=tmp_path, keep_days=30)


def put_files(settings: Settings, slug: str, days_old: float = 0) -> Path:
    """A folder as a job leaves it: a result, a log, a saved file."""
    folder = JobFolder(settings.instance, slug)
    folder.write_result(1, "txt", b"result")
    folder.save(1, "saved.txt", "words")
    changed = time.time() - days_old * DAY
    for path in (*folder.path.rglob("*"), folder.path):
        os.utime(path, (changed, changed))
    return folder.path


def end_all(database: Database, days_ago: float) -> None:
    change(
        database,
        "UPDATE asyncinweb_jobs SET state = 'completed', result = '{}', rank = NULL, finished_at = :at",
        at=time.time() - days_ago * DAY,
    )


def submit_many(database: Database, number: int) -> None:
    with database.write() as connection:
        for _ in range(number):
            enqueue(connection, new_job())


def test_what_is_over_goes_with_its_files_and_the_rest_stays(database: Database, settings: Settings) -> None:
    over = submit(database)
    end_all(database, days_ago=31)
    running = start(database)
    waiting = submit(database)
    gone, kept = put_files(settings, over.slug, 31), [put_files(settings, job.slug) for job in (waiting, running)]

    removed = list(clean(database, settings))

    assert sum(each.jobs for each in removed) == 1
    assert not gone.exists()
    assert all((folder / "files-1" / "saved.txt").exists() for folder in kept)
    assert {row["slug"] for row in rows(database, "SELECT slug FROM asyncinweb_jobs")} == {
        waiting.slug,
        running.slug,
    }


def test_a_folder_left_by_a_crash_before_its_removal_goes_the_next_time(
    database: Database, settings: Settings
) -> None:
    job = submit(database)
    end_all(database, days_ago=31)
    left = put_files(settings, job.slug, days_old=31)
    assert perform(database, prune, 30.0) == [job.slug]

    removed = list(clean(database, settings))

    assert sum(each.folders for each in removed) == 1
    assert not left.exists()


@pytest.mark.parametrize("state", ["queued", "completed"])
def test_the_folder_of_a_job_that_is_there_stays_however_old(
    database: Database, settings: Settings, state: str
) -> None:
    folder = put_files(settings, submit(database, keep_days=3650).slug, days_old=900)
    if state == "completed":
        end_all(database, days_ago=900)
        change(database, "UPDATE asyncinweb_jobs SET expires_at = finished_at + 3650 * 86400")

    assert [each for each in clean(database, settings) if each.jobs or each.folders] == []
    assert (folder / "result-1.txt").exists()


@pytest.mark.parametrize("keep_days", [0.0001, 30])
def test_a_folder_whose_job_is_being_made_stays(database: Database, tmp_path: Path, keep_days: float) -> None:
    settings = Settings(instance=tmp_path, keep_days=keep_days)
    folder = put_files(settings, "being-made", days_old=29 if keep_days == 30 else 0.9 / 24)

    list(clean(database, settings))

    assert folder.exists()


def test_a_folder_in_which_something_is_new_counts_as_new(database: Database, settings: Settings) -> None:
    folder = put_files(settings, "old", days_old=90)
    (folder / "log-1-0.txt").write_text("a job that runs for long")

    list(clean(database, settings))

    assert folder.exists()


def test_a_batch_ends_when_its_time_is_over_and_others_get_the_lock(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit_many(database, 3 * PRUNE_AT_ONCE)
    end_all(database, days_ago=31)
    monkeypatch.setattr(retention, "BATCH_SECONDS", 0)

    steps = []
    for cleaned in clean(database, settings):
        steps.append(cleaned.jobs)
        in_another_thread(lambda: submit(database))

    assert steps[:3] == [PRUNE_AT_ONCE] * 3
    assert rows(database, "SELECT count(*) AS n FROM asyncinweb_jobs") == [{"n": len(steps)}]


def test_removing_many_jobs_does_not_let_the_log_grow(database: Database, settings: Settings) -> None:
    submit_many(database, 2_000)
    end_all(database, days_ago=31)
    database.empty_wal()

    largest = max(database.wal_bytes for _ in clean(database, settings))

    assert 0 < largest < WAL_LIMIT


# --- the write-ahead log ----------------------------------------------------------------------------------------


def in_another_thread(action: Callable[[], object]) -> None:
    thread = threading.Thread(target=action)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()


def write_until(database: Database, wal_bytes: int) -> None:
    while database.wal_bytes <= wal_bytes:
        submit(database, arguments='"' + "x" * 50_000 + '"')
    change(database, "DELETE FROM asyncinweb_jobs")


def test_the_log_is_about_nothing_when_nobody_works(database: Database) -> None:
    write_until(database, 2 * IDLE_WAL_BYTES)

    tidy_wal(database)

    assert database.wal_bytes == 0


@pytest.mark.parametrize("make_busy", [submit, start])
def test_the_log_is_left_alone_while_jobs_wait_or_run(
    database: Database, make_busy: Callable[[Database], object]
) -> None:
    write_until(database, 2 * IDLE_WAL_BYTES)
    make_busy(database)

    tidy_wal(database)

    assert database.wal_bytes > IDLE_WAL_BYTES


def test_a_reader_in_the_way_keeps_nobody_waiting_and_the_log_goes_after_it(database: Database) -> None:
    submit(database)
    with database.read() as session:
        session.execute(text("SELECT slug FROM asyncinweb_jobs")).all()
        write_until(database, 2 * IDLE_WAL_BYTES)
        emptied = database.empty_wal()
        submit(database)
        change(database, "DELETE FROM asyncinweb_jobs")
        while_reading = database.wal_bytes

    tidy_wal(database)

    assert not emptied
    assert while_reading > IDLE_WAL_BYTES
    assert database.wal_bytes == 0


@pytest.fixture
def overlapping_readers(database: Database) -> Iterator[None]:
    """Readers that each stay for a moment, one always there before the other has gone."""
    stopped = threading.Event()
    turns = [threading.Semaphore(1), threading.Semaphore(0)]

    def read_in_turn(number: int) -> None:
        while not stopped.is_set():
            turns[number].acquire(timeout=0.1)
            with database.read() as session:
                session.execute(text("SELECT count(*) FROM asyncinweb_jobs")).all()
                stopped.wait(0.01)
                turns[1 - number].release()
                stopped.wait(0.01)

    threads = [threading.Thread(target=read_in_turn, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    yield
    stopped.set()
    for thread in threads:
        thread.join()


@pytest.mark.usefixtures("overlapping_readers")
def test_readers_that_overlap_without_a_gap_do_not_let_the_log_grow_for_ever(database: Database) -> None:
    largest = written = 0
    while written < 2 * WAL_BOUND_BYTES:
        submit(database, arguments='"' + "x" * 400_000 + '"')
        written += 400_000
        largest = max(largest, database.wal_bytes)

    assert largest < WAL_BOUND_BYTES

"""Several processes and threads at one database: nothing twice, nothing lost, nobody waits for ever."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from processes import Child, add_one_in_two_threads, children, stay_in_a_transaction, work_off
from queue_room import all_rows, new_job, roll_back, row, rows, submit

from asyncinweb.errors import DatabaseBusy
from asyncinweb.queue.stores.sqlite import Database, Patience
from asyncinweb.queue.submitting import enqueue

JOBS = 400
SHORT = Patience(lock_seconds=0.1, busy_seconds=0.1)


@pytest.fixture
def hasty(database_file: Path) -> Iterator[Database]:
    """The database as a web process sees it, with less patience."""
    database = Database(database_file, durability="normal", patience=SHORT)
    yield database
    database.close()


def is_sound(database: Database) -> bool:
    return rows(database, "PRAGMA integrity_check") == [{"integrity_check": "ok"}]


def test_four_processes_finish_every_job_exactly_once(database: Database, database_file: Path) -> None:
    with database.write() as connection:
        submitted = [enqueue(connection, new_job())[0].id for _ in range(JOBS)]
    names = [f"worker-{number}" for number in range(4)]

    with children(*(Child(work_off, database_file, name) for name in names)) as workers:
        heard = [worker.hear() for worker in workers]
        for worker in workers:
            worker.say("go")
        done = [worker.hear() for worker in workers]
        exit_codes = [worker.end() for worker in workers]

    assert heard == ["ready"] * 4
    assert exit_codes == [0] * 4
    assert sorted(job_id for each in done for job_id in each) == submitted
    stored = all_rows(database)
    assert {job_id: stored[job_id]["result"] for job_id in stored} == {
        job_id: f'"{name}"' for name, each in zip(names, done, strict=True) for job_id in each
    }
    assert all(each["claim_no"] == 1 and each["state"] == "completed" for each in stored.values())


def test_two_threads_in_each_of_two_processes_never_overlap_in_a_transaction(
    database: Database, database_file: Path
) -> None:
    job = submit(database)
    times = 100

    with children(*(Child(add_one_in_two_threads, database_file, job.id, times) for _ in range(2))) as writers:
        for writer in writers:
            writer.hear()
        for writer in writers:
            writer.say("go")
        failures = [writer.hear() for writer in writers]

    assert failures == [[], []]
    assert row(database, job.id)["priority"] == 4 * times


def test_a_writer_killed_in_its_transaction_leaves_nothing_in_the_way_of_the_next(
    database: Database, database_file: Path
) -> None:
    kept = submit(database)
    writer = Child(stay_in_a_transaction, database_file)
    assert writer.hear() == "inside"

    writer.kill()
    after = submit(database)

    assert all_rows(database).keys() == {kept.id, after.id}
    assert is_sound(database)


def test_a_patient_writer_waits_until_another_process_lets_go(database: Database, database_file: Path) -> None:
    with children(Child(stay_in_a_transaction, database_file)) as (other,):
        other.hear()
        done = threading.Thread(target=submit, args=(database,))
        done.start()
        while_held = all_rows(database)
        other.say("go")
        done.join(60)

    assert while_held == {}
    assert len(all_rows(database)) == 1


def test_a_web_process_gives_up_a_lock_that_another_keeps_and_can_still_read(
    hasty: Database, database_file: Path
) -> None:
    job = submit(hasty)
    with children(Child(stay_in_a_transaction, database_file)) as (other,):
        assert other.hear() == "inside"

        with pytest.raises(DatabaseBusy, match="Try again in a few seconds"):
            submit(hasty)

        assert all_rows(hasty).keys() == {job.id}
    assert submit(hasty).id > job.id


def test_a_web_process_gives_up_when_a_thread_of_its_own_keeps_the_lock(hasty: Database) -> None:
    with held_by_another_thread(hasty), pytest.raises(DatabaseBusy, match="Try again in a few seconds"):
        submit(hasty)

    assert submit(hasty).state == "queued"


@contextmanager
def held_by_another_thread(database: Database) -> Iterator[None]:
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with database.write():
            inside.set()
            leave.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(60)
    yield
    leave.set()
    thread.join(60)


def test_a_foreign_program_that_writes_makes_the_database_busy_and_reads_go_on(
    hasty: Database, database_file: Path
) -> None:
    job = submit(hasty)
    foreign = sqlite3.connect(database_file, isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")

    with pytest.raises(DatabaseBusy, match="locked"):
        submit(hasty)

    assert all_rows(hasty).keys() == {job.id}
    foreign.execute("ROLLBACK")
    foreign.close()
    assert submit(hasty).id > job.id


def test_an_error_in_a_transaction_lets_the_next_writer_in(hasty: Database) -> None:
    for _ in range(3):
        roll_back(hasty, lambda connection: enqueue(connection, new_job()))

    job = submit(hasty)

    assert all_rows(hasty).keys() == {job.id}


def test_a_reader_sees_one_moment_while_others_write(database: Database) -> None:
    first = submit(database)

    with database.read() as session:
        before = session.connection().exec_driver_sql("SELECT id FROM asyncinweb_jobs").scalars().all()
        submit(database)
        during = session.connection().exec_driver_sql("SELECT id FROM asyncinweb_jobs").scalars().all()

    assert before == during == [first.id]
    assert len(all_rows(database)) == 2

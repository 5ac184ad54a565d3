"""Damaged rows among those that wait and run: the verbs go on for all others, and settle the damaged ones."""

import sqlite3
from contextlib import suppress
from typing import Any

import pytest
from queue_room import ANYTHING, claim_all, claim_next, perform, row, start, submit

from asyncinweb import clock
from asyncinweb.errors import JobDamaged
from asyncinweb.queue.models import Job
from asyncinweb.queue.polling import has_work, held_jobs
from asyncinweb.queue.removal import delete_damaged, prune
from asyncinweb.queue.snapshot import take_snapshot
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.submitting import rerun
from asyncinweb.queue.transitions import cancel, fail, fail_crashed, release
from asyncinweb.tasks.outcome import Failed

COLUMNS = [column.name for column in Job.__table__.columns if column.name not in ("id", "slug", "task", "state")]
COUNTS = ("attempts", "max_attempts", "crashes", "interruptions")
ODD = ("'abc'", "x'00ff'", "1e300", "-5", "2.5", "9223372036854775807")


def damage(database: Database, job_id: int, column: str, odd: str) -> None:
    """Put SQL's `odd` into a column, past every check of the table."""
    with database.write() as connection:
        driver_connection: Any = connection.connection.dbapi_connection
        driver_connection.execute("PRAGMA ignore_check_constraints=ON")
        with suppress(sqlite3.IntegrityError):
            driver_connection.execute(f"UPDATE asyncinweb_jobs SET {column} = {odd} WHERE id = ?", (job_id,))
        driver_connection.execute("PRAGMA ignore_check_constraints=OFF")


@pytest.mark.parametrize("column", COLUMNS)
def test_a_damaged_job_in_the_queue_keeps_no_other_from_being_claimed(database: Database, column: str) -> None:
    damaged = [submit(database).id for _ in ODD]
    for job_id, odd in zip(damaged, ODD, strict=True):
        damage(database, job_id, column, odd)
    sound = submit(database, owner="somebody").id

    with database.glance() as connection:
        has_work(connection, ANYTHING, clock.now())
        take_snapshot(connection, 30.0)
    assert sound in claim_all(database)
    with database.glance() as connection:
        held_jobs(connection)
    assert submit(database).id


@pytest.mark.parametrize("column", ["timeout_seconds", "slug", "arguments"])
def test_a_claim_of_a_job_that_cannot_be_read_names_the_column(database: Database, column: str) -> None:
    job = submit(database)
    damage(database, job.id, column, "x'00ff'")

    held = claim_next(database)

    assert held is not None
    assert held.damaged == (column,)


@pytest.mark.parametrize(
    "column", ["attempts", "max_attempts", "crashes", "interruptions", "keep_days", "priority"]
)
@pytest.mark.parametrize("odd", ["'abc'", "x'00ff'", "1e300", "9223372036854775807"])
def test_a_running_job_is_settled_whatever_its_row_holds(database: Database, column: str, odd: str) -> None:
    ends = (
        lambda held: perform(database, fail, held, Failed("error", "no")),
        lambda held: perform(database, fail_crashed, held, "killed"),
        lambda held: perform(database, release, held),
    )
    for end in ends:
        held = start(database)
        damage(database, held.job_id, column, odd)
        assert end(held)
        assert row(database, held.job_id)["state"] != "processing"
        perform(database, cancel, held.slug)


@pytest.mark.parametrize("column", ["priority", "keep_days", "arguments", "max_attempts"])
def test_a_damaged_job_is_not_run_again(database: Database, column: str) -> None:
    job = submit(database)
    damage(database, job.id, column, "x'00ff'")

    with pytest.raises(JobDamaged, match=column):
        perform(database, rerun, job.slug, "")


def test_only_a_damaged_job_that_does_not_run_is_deleted(database: Database) -> None:
    running, sound, damaged = start(database), submit(database), submit(database)
    for job_id in (running.job_id, damaged.id):
        damage(database, job_id, "priority", "'abc'")

    assert not perform(database, delete_damaged, running.slug)
    assert not perform(database, delete_damaged, sound.slug)
    assert not perform(database, delete_damaged, "unknown")
    assert perform(database, delete_damaged, damaged.slug)
    assert not perform(database, delete_damaged, damaged.slug)


def test_pruning_goes_on_beside_damaged_rows(database: Database) -> None:
    old = [submit(database) for _ in range(3)]
    for job in old:
        perform(database, cancel, job.slug)
        damage(database, job.id, "finished_at", "1000.0")
    damage(database, old[0].id, "priority", "'abc'")
    damage(database, old[1].id, "expires_at", "'abc'")

    assert set(perform(database, prune, 1.0)) == {old[0].slug, old[2].slug}

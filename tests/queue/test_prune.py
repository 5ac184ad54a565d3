"""prune: final rows older than their retention -> gone."""

import pytest
from queue_room import (
    all_rows,
    attempts_rows,
    change,
    claim_all,
    claim_next,
    new_job,
    perform,
    row,
    rows,
    start,
    submit,
)

from asyncinweb.queue.claims import Claim
from asyncinweb.queue.removal import PRUNE_AT_ONCE, prune
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.submitting import enqueue
from asyncinweb.queue.transitions import cancel, fail, fail_crashed, finish, honour_cancel
from asyncinweb.tasks.outcome import Failed

DAY = 86_400


def age(database: Database, days: float) -> None:
    """Make everything that has ended that much older."""
    change(
        database,
        "UPDATE asyncinweb_jobs SET finished_at = finished_at - :s, expires_at = expires_at - :s",
        s=days * DAY,
    )


def end_completed(database: Database, held: Claim) -> None:
    perform(database, finish, held, "1")


def end_failed(database: Database, held: Claim) -> None:
    perform(database, fail, held, Failed("error", "ValueError"))


def end_cancelled(database: Database, held: Claim) -> None:
    perform(database, cancel, held.slug)
    perform(database, honour_cancel, held)


every_ending = pytest.mark.parametrize("end", [end_completed, end_failed, end_cancelled])


@every_ending
def test_an_ended_job_is_pruned_after_the_default_retention_and_not_before(database: Database, end) -> None:
    held = start(database)
    end(database, held)
    age(database, 29.9)

    before = perform(database, prune, 30.0)
    age(database, 0.2)
    after = perform(database, prune, 30.0)

    assert before == []
    assert after == [held.slug]
    assert all_rows(database) == {}


@every_ending
@pytest.mark.parametrize("own_days", [2.0, 60.0])
def test_a_retention_of_its_own_goes_before_the_default(database: Database, end, own_days: float) -> None:
    held = start(database, keep_days=own_days)
    end(database, held)
    stored = row(database, held.job_id)
    age(database, own_days - 0.1)

    before = perform(database, prune, 30.0)
    age(database, 0.2)
    after = perform(database, prune, 30.0)

    assert stored["expires_at"] == pytest.approx(stored["finished_at"] + own_days * DAY, abs=1)
    assert before == []
    assert after == [held.slug]


def test_a_job_cancelled_while_it_waited_has_its_own_retention_too(database: Database) -> None:
    job = submit(database, keep_days=2.0)
    perform(database, cancel, job.slug)
    age(database, 2.1)

    assert perform(database, prune, 30.0) == [job.slug]


def test_what_waits_or_runs_is_never_pruned_however_old(database: Database) -> None:
    submit(database, task="unknown", keep_days=0.1)
    start(database, keep_days=0.1)
    change(database, "UPDATE asyncinweb_jobs SET created_at = 1.0, run_at = 1.0")
    before = all_rows(database)

    assert perform(database, prune, 0.001) == []
    assert all_rows(database) == before


def test_the_history_of_attempts_goes_with_its_job_and_no_other(database: Database) -> None:
    pruned, kept = start(database), start(database)
    for held in (pruned, kept):
        perform(database, fail_crashed, held, "killed")
    claim_all(database)
    change(
        database,
        "UPDATE asyncinweb_jobs SET state = 'completed', worker_id = NULL, finished_at = 1.0 WHERE id = :id",
        id=pruned.job_id,
    )

    perform(database, prune, 30.0)

    assert attempts_rows(database, pruned.job_id) == []
    assert len(attempts_rows(database, kept.job_id)) == 1


def test_prune_works_in_batches_oldest_first(database: Database) -> None:
    with database.write() as connection:
        for _ in range(PRUNE_AT_ONCE + 10):
            enqueue(connection, new_job())
    change(
        database,
        "UPDATE asyncinweb_jobs SET state = 'completed', finished_at = id, "
        "expires_at = CASE WHEN id % 2 THEN id END",
    )

    first = perform(database, prune, 30.0)
    left = all_rows(database)
    second = perform(database, prune, 30.0)
    third = perform(database, prune, 30.0)

    assert len(first) == PRUNE_AT_ONCE
    assert len(set(first + second)) == PRUNE_AT_ONCE + 10
    assert all(each["finished_at"] > PRUNE_AT_ONCE - 10 for each in left.values())
    assert third == []
    assert rows(database, "SELECT id FROM asyncinweb_jobs") == []


def test_a_pruned_job_frees_its_idempotency_key(database: Database) -> None:
    held = start(database, idempotency_key="k1")
    perform(database, finish, held, "1")
    age(database, 31)
    perform(database, prune, 30.0)

    _, is_new = perform(database, enqueue, new_job(idempotency_key="k1"))

    assert is_new
    assert claim_next(database) is not None

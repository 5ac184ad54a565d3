"""enqueue: - -> queued or scheduled."""

from datetime import timedelta

import pytest
from queue_room import (
    AHEAD,
    ANYTHING,
    PAST,
    all_rows,
    claim_next,
    make_due,
    new_job,
    perform,
    roll_back,
    row,
    start,
    submit,
)
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from asyncinweb.errors import DatabaseUnusable, IdempotencyConflict, QuotaReached
from asyncinweb.identity import new_slug
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.submitting import enqueue
from asyncinweb.queue.transitions import cancel, claim, finish


def test_a_new_job_is_queued_and_nothing_has_happened_to_it(database: Database) -> None:
    job, is_new = perform(database, enqueue, new_job(arguments='{"year": 2026}', owner="anna"))

    stored = row(database, job.id)
    assert is_new
    assert job.state == stored["state"] == "queued"
    assert stored["arguments"] == '{"year": 2026}'
    assert stored["owner"] == "anna"
    assert [stored[name] for name in ("attempts", "crashes", "interruptions", "claim_no")] == [0, 0, 0, 0]
    assert [stored[name] for name in ("worker_id", "started_at", "finished_at", "result")] == [None] * 4


def test_the_returned_job_is_the_stored_one(database: Database) -> None:
    job = submit(
        database, owner="anna", priority=3, max_attempts=4, timeout_seconds=9.5, keep_days=2.0, on_crash="fail"
    )

    stored = row(database, job.id)
    for name in ("slug", "task", "owner", "priority", "rank", "max_attempts", "timeout_seconds", "keep_days"):
        assert getattr(job, name) == stored[name], name
    assert stored["on_crash"] == "fail"


def test_no_job_has_a_name_that_a_shell_takes_for_an_option() -> None:
    slugs = [new_slug() for _ in range(2_000)]

    assert not [slug for slug in slugs if slug.startswith("-")]
    assert all(len(slug) == 22 for slug in slugs)
    assert len(set(slugs)) == 2_000


def test_a_start_in_the_future_makes_it_scheduled_and_in_no_line(database: Database) -> None:
    job = submit(database, run_at=AHEAD)

    assert row(database, job.id)["state"] == "scheduled"
    assert row(database, job.id)["rank"] is None


def test_a_start_in_the_past_makes_it_queued(database: Database) -> None:
    job = submit(database, run_at=PAST)

    assert row(database, job.id)["state"] == "queued"


def test_nothing_is_stored_if_the_caller_rolls_back(database: Database) -> None:
    roll_back(database, lambda connection: enqueue(connection, new_job()))

    assert all_rows(database) == {}


def test_public_names_cannot_be_guessed_from_each_other(database: Database) -> None:
    slugs = {submit(database).slug for _ in range(50)}

    assert len(slugs) == 50
    assert all(len(slug) == 22 for slug in slugs)


# --- unique key -------------------------------------------------------------------------------------------------


def test_a_unique_key_names_the_unfinished_job_that_has_it(database: Database) -> None:
    first = submit(database, unique_key="nightly")

    second, is_new = perform(database, enqueue, new_job(unique_key="nightly", arguments='{"other": 1}'))

    assert not is_new
    assert second.slug == first.slug
    assert len(all_rows(database)) == 1


def test_a_unique_key_holds_while_its_job_waits_for_a_time_and_while_it_runs(database: Database) -> None:
    first = submit(database, unique_key="nightly", run_at=AHEAD)
    while_scheduled = submit(database, unique_key="nightly")
    make_due(database, first.id)
    claim_next(database)

    while_running = submit(database, unique_key="nightly")

    assert while_scheduled.slug == while_running.slug == first.slug


def test_a_unique_key_is_free_again_when_its_job_is_final(database: Database) -> None:
    held = start(database, unique_key="nightly")
    perform(database, finish, held, "1")

    second, is_new = perform(database, enqueue, new_job(unique_key="nightly"))

    assert is_new
    assert second.id != held.job_id


def test_two_unfinished_jobs_cannot_have_one_unique_key_whatever_the_code_does(database: Database) -> None:
    submit(database, unique_key="nightly")
    other = submit(database)

    with pytest.raises(DatabaseUnusable, match="UNIQUE"), database.write() as connection:
        connection.execute(
            text("UPDATE asyncinweb_jobs SET unique_key = 'nightly' WHERE id = :id"), {"id": other.id}
        )


# --- idempotency key --------------------------------------------------------------------------------------------


def test_the_same_idempotency_key_and_arguments_return_the_same_job(database: Database) -> None:
    first = submit(database, owner="anna", idempotency_key="k1")

    second, is_new = perform(database, enqueue, new_job(owner="anna", idempotency_key="k1"))

    assert not is_new
    assert second.slug == first.slug


def test_an_idempotency_key_is_remembered_after_the_job_has_ended(database: Database) -> None:
    held = start(database, owner="anna", idempotency_key="k1")
    perform(database, finish, held, "1")

    second, is_new = perform(database, enqueue, new_job(owner="anna", idempotency_key="k1"))

    assert not is_new
    assert second.state == "completed"


@pytest.mark.parametrize("other", [{"arguments": '{"year": 1}'}, {"task": "another"}])
def test_the_same_idempotency_key_with_another_request_is_a_conflict(
    database: Database, other: dict[str, str]
) -> None:
    first = submit(database, idempotency_key="k1")

    with pytest.raises(IdempotencyConflict, match=first.slug):
        submit(database, idempotency_key="k1", **other)

    assert len(all_rows(database)) == 1


def test_two_owners_may_choose_the_same_idempotency_key(database: Database) -> None:
    first = submit(database, owner="anna", idempotency_key="k1")
    second = submit(database, owner="ben", idempotency_key="k1", arguments='{"year": 1}')

    assert first.slug != second.slug


# --- quota ------------------------------------------------------------------------------------------------------


def test_the_quota_counts_what_waits_of_this_owner_and_refuses_one_more(database: Database) -> None:
    perform(database, enqueue, new_job(owner="anna"), 2)
    perform(database, enqueue, new_job(owner="anna", run_at=AHEAD), 2)
    submit(database, owner="ben")

    with pytest.raises(QuotaReached, match="You already have 2 jobs waiting"):
        perform(database, enqueue, new_job(owner="anna"), 2)

    assert len(all_rows(database)) == 3


@pytest.mark.parametrize("make_room", [claim_next, lambda database: cancel_first(database)])
def test_the_quota_has_room_again_when_a_job_starts_or_is_cancelled(database: Database, make_room) -> None:
    perform(database, enqueue, new_job(owner="anna"), 1)
    make_room(database)

    _, is_new = perform(database, enqueue, new_job(owner="anna"), 1)

    assert is_new


def cancel_first(database: Database) -> None:
    first = min(all_rows(database).values(), key=lambda each: each["id"])
    perform(database, cancel, first["slug"])


def test_a_full_quota_still_answers_a_repeated_request(database: Database) -> None:
    first, _ = perform(database, enqueue, new_job(owner="anna", idempotency_key="k1"), 1)

    again, is_new = perform(database, enqueue, new_job(owner="anna", idempotency_key="k1"), 1)

    assert not is_new
    assert again.slug == first.slug


# --- what the tables refuse -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nonsense", "check"),
    [
        ("state = 'done'", "known_state"),
        ("state = 'processing'", "worker_when_processing"),
        ("worker_id = 'w'", "worker_when_processing"),
        ("finished_at = 1.0", "finished_when_final"),
        ("state = 'completed'", "finished_when_final"),
        ("state = 'failed', finished_at = 1.0", "reason_when_failed"),
        ("reason = 'error'", "reason_when_failed"),
        ("state = 'completed', finished_at = 1.0, reason = 'error'", "reason_when_failed"),
        ("attempts = -1", "counts"),
        ("interruptions = -1", "counts"),
        ("crashes = -1", "counts"),
    ],
)
def test_the_table_refuses_a_row_that_makes_no_sense(database: Database, nonsense: str, check: str) -> None:
    job = submit(database)
    before = row(database, job.id)

    with pytest.raises(DatabaseUnusable, match=check) as refused, database.write() as connection:
        connection.execute(text(f"UPDATE asyncinweb_jobs SET {nonsense}"))

    assert isinstance(refused.value.__cause__, IntegrityError)
    assert row(database, job.id) == before


def test_the_table_accepts_each_state_as_it_should_look(database: Database) -> None:
    job = submit(database)

    with database.write() as connection:
        for sense in (
            "state = 'processing', worker_id = 'w'",
            "state = 'failed', worker_id = NULL, finished_at = 1.0, reason = 'error'",
            "state = 'completed', reason = NULL",
            "state = 'cancelled'",
            "state = 'scheduled', finished_at = NULL",
        ):
            connection.execute(text(f"UPDATE asyncinweb_jobs SET {sense}"))

    assert row(database, job.id)["state"] == "scheduled"


def test_an_id_never_comes_back_after_the_newest_job_is_gone(database: Database) -> None:
    first = submit(database)
    with database.write() as connection:
        connection.execute(text("DELETE FROM asyncinweb_jobs"))

    second = submit(database)

    assert second.id > first.id


def test_times_are_stored_as_seconds_and_read_as_utc(database: Database) -> None:
    job = submit(database, run_at=AHEAD)

    assert row(database, job.id)["run_at"] == pytest.approx(AHEAD.timestamp())
    with database.read() as session:
        read = session.get(type(job), job.id)
        assert read is not None
        assert abs(read.run_at - AHEAD) < timedelta(milliseconds=1)
        assert read.run_at.utcoffset() == timedelta(0)


def test_enqueue_and_claim_see_each_other_in_one_transaction(database: Database) -> None:
    with database.write() as connection:
        job, _ = enqueue(connection, new_job())
        held = claim(connection, ANYTHING)

    assert held is not None
    assert held.job_id == job.id

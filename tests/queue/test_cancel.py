"""cancel and honour_cancel: a person stops a job."""

import pytest
from queue_room import AHEAD, claim_all, perform, row, start, submit

from asyncinweb.queue import reading
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.transitions import cancel, fail_crashed, finish, honour_cancel


@pytest.mark.parametrize(("run_at", "state"), [(None, "queued"), (AHEAD, "scheduled")])
def test_a_waiting_job_is_cancelled_at_once(database: Database, run_at: object, state: str) -> None:
    job = submit(database, run_at=run_at)
    assert row(database, job.id)["state"] == state

    answer = perform(database, cancel, job.slug)

    stored = row(database, job.id)
    assert answer == "cancelled"
    assert stored["state"] == "cancelled"
    assert stored["finished_at"] >= stored["created_at"]
    assert (stored["rank"], stored["run_at"], stored["attempts"]) == (None, None, 0)


def test_a_cancelled_job_leaves_the_line_to_the_others(database: Database) -> None:
    jobs = [submit(database) for _ in range(3)]
    perform(database, cancel, jobs[0].slug)

    assert claim_all(database) == [jobs[1].id, jobs[2].id]


def test_a_running_job_is_asked_to_stop_and_goes_on_until_it_does(database: Database) -> None:
    held = start(database)

    answer = perform(database, cancel, held.slug)

    stored = row(database, held.job_id)
    assert answer == "asked"
    assert (stored["state"], stored["worker_id"]) == ("processing", "worker-1")
    assert stored["cancel_requested_at"] >= stored["started_at"]


def test_asking_twice_keeps_the_time_of_the_first(database: Database) -> None:
    held = start(database)
    perform(database, cancel, held.slug)
    first = row(database, held.job_id)["cancel_requested_at"]

    answer = perform(database, cancel, held.slug)

    assert answer == "asked"
    assert row(database, held.job_id)["cancel_requested_at"] == first


def test_the_time_of_asking_can_be_read_back(database: Database) -> None:
    held = start(database)
    perform(database, cancel, held.slug)

    with database.read() as session:
        job = reading.find_job(session, held.slug)

    assert job is not None
    assert job.cancel_requested_at is not None
    assert job.cancel_requested_at >= job.started_at


def test_a_completed_job_cannot_be_cancelled(database: Database) -> None:
    held = start(database)
    perform(database, finish, held, "1")
    before = row(database, held.job_id)

    assert perform(database, cancel, held.slug) == "refused"
    assert row(database, held.job_id) == before


def test_a_cancelled_job_cannot_be_cancelled_again(database: Database) -> None:
    job = submit(database)
    perform(database, cancel, job.slug)
    before = row(database, job.id)

    assert perform(database, cancel, job.slug) == "refused"
    assert row(database, job.id) == before


def test_an_unknown_job_cannot_be_cancelled(database: Database) -> None:
    job = submit(database)

    assert perform(database, cancel, "no-such-job") == "refused"
    assert row(database, job.id)["state"] == "queued"


def test_the_worker_honours_the_request(database: Database) -> None:
    held = start(database)
    perform(database, cancel, held.slug)

    accepted = perform(database, honour_cancel, held)

    stored = row(database, held.job_id)
    assert accepted is True
    assert (stored["state"], stored["worker_id"], stored["reason"]) == ("cancelled", None, None)
    assert stored["finished_at"] >= stored["cancel_requested_at"]


def test_a_worker_cannot_cancel_what_nobody_asked_to_stop(database: Database) -> None:
    held = start(database)

    assert perform(database, honour_cancel, held) is False
    assert row(database, held.job_id)["state"] == "processing"


def test_a_crash_after_the_request_is_a_cancelled_job(database: Database) -> None:
    held = start(database)
    perform(database, cancel, held.slug)

    assert perform(database, fail_crashed, held, "killed by signal 9") is True
    assert row(database, held.job_id)["state"] == "cancelled"
    assert claim_all(database) == []

"""claim: queued -> processing; promotes what has fallen due; and report, the word of a running job."""

from datetime import UTC, datetime

import pytest
from queue_room import (
    AHEAD,
    ANYTHING,
    TASK,
    all_rows,
    attempts_rows,
    change,
    claim_all,
    claim_next,
    make_due,
    new_job,
    perform,
    roll_back,
    row,
    rows,
    start,
    submit,
)

from asyncinweb.queue import polling
from asyncinweb.queue.claims import ClaimScope
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.submitting import enqueue
from asyncinweb.queue.transitions import PROMOTE_AT_ONCE, cancel, claim, fail_crashed, finish, report


def test_a_claim_holds_the_job_and_says_what_to_run(database: Database) -> None:
    job = submit(database, arguments='{"year": 2026}', timeout_seconds=60.0)

    held = claim_next(database)

    stored = row(database, job.id)
    assert held is not None
    assert (held.job_id, held.slug, held.task, held.arguments) == (job.id, job.slug, TASK, '{"year": 2026}')
    assert (held.claim_no, held.attempt, held.timeout_seconds) == (1, 1, 60.0)
    assert (stored["state"], stored["worker_id"]) == ("processing", "worker-1")
    assert (stored["claim_no"], stored["attempts"], stored["rank"]) == (1, 1, None)
    assert stored["started_at"] >= stored["created_at"]


def test_an_empty_queue_has_nothing_to_claim(database: Database) -> None:
    assert claim_next(database) is None


def test_a_job_is_claimed_once(database: Database) -> None:
    held = start(database)

    assert claim_next(database, ClaimScope([TASK], "worker-2")) is None
    assert row(database, held.job_id)["worker_id"] == "worker-1"


def test_a_cancelled_or_finished_job_is_never_claimed(database: Database) -> None:
    perform(database, cancel, submit(database).slug)
    perform(database, finish, start(database), "1")

    assert claim_next(database) is None


def test_a_task_that_this_worker_does_not_know_stays_queued(database: Database) -> None:
    unknown = submit(database, task="unknown")
    known = submit(database)

    claimed = claim_all(database)

    assert claimed == [known.id]
    assert row(database, unknown.id)["state"] == "queued"


def test_a_worker_without_tasks_claims_nothing(database: Database) -> None:
    submit(database)

    assert claim_next(database, ClaimScope([], "worker-1")) is None


def test_the_claim_number_grows_with_every_claim_of_a_job(database: Database) -> None:
    first = start(database)
    perform(database, fail_crashed, first, "killed")

    second = claim_next(database)

    assert second is not None
    assert (second.job_id, second.claim_no, second.attempt) == (first.job_id, first.claim_no + 1, 2)


def test_a_new_claim_starts_without_the_progress_of_the_last(database: Database) -> None:
    first = start(database)
    perform(database, report, first, 3.0, 4.0, "drawing")
    perform(database, fail_crashed, first, "killed")

    claim_next(database)

    stored = row(database, first.job_id)
    assert [stored[f"progress_{name}"] for name in ("done", "total", "text")] == [None, None, None]
    assert stored["reported_at"] is None


# --- promoting ---------------------------------------------------------------------------------------------------


def test_a_scheduled_job_is_not_claimed_before_its_time(database: Database) -> None:
    job = submit(database, run_at=AHEAD)

    assert claim_next(database) is None
    assert row(database, job.id)["state"] == "scheduled"


def test_a_due_job_is_made_ready_and_claimed_by_the_same_claim(database: Database) -> None:
    job = submit(database, run_at=AHEAD)
    make_due(database, job.id)

    held = claim_next(database)

    assert held is not None
    assert held.job_id == job.id
    assert row(database, job.id)["run_at"] is None


def test_due_jobs_of_unknown_tasks_are_made_ready_all_the_same(database: Database) -> None:
    job = submit(database, task="unknown", run_at=AHEAD)
    make_due(database, job.id)

    assert claim_next(database) is None
    assert row(database, job.id)["state"] == "queued"


def test_due_jobs_line_up_by_their_time(database: Database) -> None:
    jobs = [submit(database, run_at=AHEAD) for _ in range(3)]
    for job, second in zip(jobs, (30.0, 10.0, 20.0), strict=True):
        change(database, "UPDATE asyncinweb_jobs SET run_at = :second WHERE id = :id", second=second, id=job.id)

    claimed = claim_all(database)

    assert claimed == [jobs[1].id, jobs[2].id, jobs[0].id]


def test_one_claim_makes_ready_a_bounded_number_and_the_next_one_the_rest(database: Database) -> None:
    with database.write() as connection:
        for _ in range(PROMOTE_AT_ONCE + 20):
            enqueue(connection, new_job(run_at=AHEAD))
    change(database, "UPDATE asyncinweb_jobs SET run_at = 1.0")

    claim_next(database)

    assert count_scheduled(database) == 20
    assert len(claim_all(database)) == PROMOTE_AT_ONCE + 19
    assert count_scheduled(database) == 0


def count_scheduled(database: Database) -> int:
    return sum(each["state"] == "scheduled" for each in all_rows(database).values())


def test_has_work_says_whether_a_claim_would_find_something(database: Database) -> None:
    def has_work() -> bool:
        with database.glance() as connection:
            return polling.has_work(connection, ANYTHING, datetime.now(UTC))

    empty = has_work()
    submit(database, task="unknown")
    only_unknown = has_work()
    scheduled = submit(database, run_at=AHEAD)
    only_scheduled = has_work()
    make_due(database, scheduled.id)
    due = has_work()
    claim_next(database)
    running = has_work()
    submit(database)
    queued = has_work()

    assert (empty, only_unknown, only_scheduled, due, running, queued) == (False, False, False, True, False, True)


# --- report -----------------------------------------------------------------------------------------------------


def test_report_stores_the_progress_of_a_running_job(database: Database) -> None:
    held = start(database)

    accepted = perform(database, report, held, 3.0, 8.0, "drawing")

    stored = row(database, held.job_id)
    assert accepted is True
    assert (stored["progress_done"], stored["progress_total"], stored["progress_text"]) == (3.0, 8.0, "drawing")
    assert stored["reported_at"] >= stored["started_at"]


def test_report_is_refused_for_a_lost_claim(database: Database) -> None:
    lost = start(database)
    perform(database, fail_crashed, lost, "killed")
    claim_next(database, ClaimScope([TASK], "worker-2"))
    before = row(database, lost.job_id)

    accepted = perform(database, report, lost, 3.0, 8.0, "drawing")

    assert accepted is False
    assert row(database, lost.job_id) == before


def test_report_is_refused_after_the_job_has_ended(database: Database) -> None:
    held = start(database)
    perform(database, finish, held, "1")
    before = row(database, held.job_id)

    assert perform(database, report, held, 3.0, 8.0, "drawing") is False
    assert row(database, held.job_id) == before


def test_the_live_claim_tells_whether_a_stop_was_asked_and_a_lost_one_is_none(database: Database) -> None:
    held = start(database)

    def look() -> polling.LiveClaim | None:
        with database.glance() as connection:
            return polling.live_claim(connection, held.job_id, held.claim_no)

    at_first = look()
    perform(database, cancel, held.slug)
    after_cancel = look()
    perform(database, fail_crashed, held, "killed")

    assert at_first == polling.LiveClaim(cancel_requested=False)
    assert after_cancel == polling.LiveClaim(cancel_requested=True)
    assert look() is None


def test_the_happy_path_writes_no_history(database: Database) -> None:
    held = start(database)
    perform(database, finish, held, "1")

    assert attempts_rows(database, held.job_id) == []


@pytest.mark.parametrize("known", [["a", "b", TASK], ["a" * 500, "ü", TASK]])
def test_a_worker_with_several_tasks_claims_each_of_them(database: Database, known: list[str]) -> None:
    jobs = [submit(database, task=name) for name in known]

    assert claim_all(database, ClaimScope(known, "worker-1")) == [job.id for job in jobs]


def test_a_claim_that_is_rolled_back_leaves_the_job_in_line(database: Database) -> None:
    job = submit(database)
    before = row(database, job.id)

    roll_back(database, lambda connection: claim(connection, ANYTHING))

    assert row(database, job.id) == before
    assert rows(database, "SELECT count(*) AS n FROM asyncinweb_attempts") == [{"n": 0}]

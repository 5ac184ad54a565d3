"""finish, fail, release and finish_and_claim: how a worker gives a job back."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from queue_room import (
    ANYTHING,
    TASK,
    all_rows,
    attempts_rows,
    change,
    claim_next,
    make_due,
    perform,
    row,
    start,
    submit,
)
from sqlalchemy import Connection

from asyncinweb.queue import reading
from asyncinweb.queue.claims import Claim, ClaimScope
from asyncinweb.queue.estimates import Range
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.transitions import (
    MAX_INTERRUPTIONS,
    cancel,
    fail,
    fail_crashed,
    finish,
    finish_and_claim,
    give_back,
    honour_cancel,
    release,
    report,
    settle,
)
from asyncinweb.states import REASONS
from asyncinweb.tasks.outcome import Cancelled, Completed, Failed, Released, Unstarted

ERROR = Failed("error", "ValueError: no such year", "Traceback …")
RETRY = Failed("error", "ValueError: no such year", "Traceback …", retry_after=60.0)
OTHER_WORKER = ClaimScope([TASK], "worker-2")
Settling = Callable[[Connection, Claim], Any]


# --- finish -----------------------------------------------------------------------------------------------------


def test_finish_completes_the_job_with_its_result(database: Database) -> None:
    held = start(database)

    accepted = perform(database, finish, held, '{"answer": 42}')

    stored = row(database, held.job_id)
    assert accepted is True
    assert (stored["state"], stored["result"]) == ("completed", '{"answer": 42}')
    assert stored["finished_at"] >= stored["started_at"]
    assert (stored["worker_id"], stored["claim_no"], stored["attempts"]) == (None, 1, 1)


def test_finish_forgets_the_error_of_an_earlier_attempt(database: Database) -> None:
    held = start(database)
    perform(database, fail_crashed, held, "killed by signal 9")
    again = claim_next(database)
    assert again is not None

    perform(database, finish, again, "1")

    assert row(database, held.job_id)["error"] is None
    assert [each["error"] for each in attempts_rows(database, held.job_id)] == ["killed by signal 9"]


def test_a_job_that_was_asked_to_stop_may_still_complete(database: Database) -> None:
    held = start(database)
    perform(database, cancel, held.slug)

    assert perform(database, finish, held, "1") is True
    assert row(database, held.job_id)["state"] == "completed"


# --- fail -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", REASONS)
def test_fail_without_another_try_is_final_and_keeps_what_happened(database: Database, reason: Any) -> None:
    held = start(database)

    accepted = perform(database, fail, held, Failed(reason, "it broke", "Traceback …"))

    stored = row(database, held.job_id)
    assert accepted is True
    assert (stored["state"], stored["reason"], stored["error"]) == ("failed", reason, "it broke")
    assert stored["traceback"] == "Traceback …"
    assert attempts_rows(database, held.job_id) == []


def test_fail_with_another_try_left_waits_for_its_time_and_remembers_the_attempt(database: Database) -> None:
    held = start(database, max_attempts=2)
    before = datetime.now(UTC).timestamp()

    accepted = perform(database, fail, held, RETRY)

    stored = row(database, held.job_id)
    (attempt,) = attempts_rows(database, held.job_id)
    assert accepted is True
    assert (stored["state"], stored["worker_id"], stored["attempts"]) == ("scheduled", None, 1)
    assert before + 60.0 <= stored["run_at"] <= datetime.now(UTC).timestamp() + 60.0
    assert (attempt["number"], attempt["claim_no"], attempt["worker_id"]) == (1, 1, "worker-1")
    assert (attempt["reason"], attempt["error"], attempt["traceback"]) == ("error", RETRY.error, "Traceback …")
    assert attempt["started_at"] <= attempt["ended_at"]


def test_a_job_is_tried_as_often_as_it_may_and_each_try_leaves_a_trace(database: Database) -> None:
    job = submit(database, max_attempts=3)
    for _ in range(3):
        held = claim_next(database)
        assert held is not None
        perform(database, fail, held, RETRY)
        make_due(database, job.id)

    with database.read() as session:
        history = [attempt.number for attempt in reading.attempts_of(session, job)]
    assert claim_next(database) is None
    assert row(database, job.id)["state"] == "failed"
    assert row(database, job.id)["attempts"] == 3
    assert history == [1, 2]


def test_fail_that_wants_no_retry_is_final_although_tries_are_left(database: Database) -> None:
    held = start(database, max_attempts=5)

    perform(database, fail, held, ERROR)

    assert row(database, held.job_id)["state"] == "failed"


def test_fail_cancels_a_job_that_was_asked_to_stop(database: Database) -> None:
    held = start(database, max_attempts=5)
    perform(database, cancel, held.slug)

    assert perform(database, fail, held, RETRY) is True
    assert row(database, held.job_id)["state"] == "cancelled"


# --- release ----------------------------------------------------------------------------------------------------


def test_release_puts_the_job_back_and_costs_no_attempt(database: Database) -> None:
    held = start(database)

    accepted = perform(database, release, held)

    stored = row(database, held.job_id)
    assert accepted is True
    assert (stored["state"], stored["worker_id"], stored["started_at"]) == ("queued", None, None)
    assert (stored["attempts"], stored["interruptions"], stored["claim_no"]) == (0, 1, 1)


def test_release_remembers_why_and_when_the_attempt_ended(database: Database) -> None:
    held = start(database)

    perform(database, release, held)
    again = claim_next(database)
    assert again is not None
    perform(database, release, again, "Another reason.")

    first, second = attempts_rows(database, held.job_id)
    assert (first["reason"], first["error"]) == (
        "interrupted",
        "The server was stopped while the job was running.",
    )
    assert (second["reason"], second["error"], second["claim_no"]) == ("interrupted", "Another reason.", 2)
    assert first["started_at"] <= first["ended_at"] <= second["ended_at"]


def test_release_of_a_lost_claim_remembers_nothing(database: Database) -> None:
    held = start(database)
    perform(database, release, held)

    assert not perform(database, release, held)

    assert len(attempts_rows(database, held.job_id)) == 1


def test_a_job_is_given_its_attempt_back_five_times_then_it_counts_as_crashes(database: Database) -> None:
    job = submit(database)
    seen = []
    for _ in range(MAX_INTERRUPTIONS + 2):
        held = claim_next(database)
        assert held is not None
        perform(database, release, held)
        stored = row(database, job.id)
        seen.append((stored["state"], stored["attempts"], stored["interruptions"], stored["crashes"]))

    assert MAX_INTERRUPTIONS == 5
    assert seen == [
        ("queued", 0, 1, 0),
        ("queued", 0, 2, 0),
        ("queued", 0, 3, 0),
        ("queued", 0, 4, 0),
        ("queued", 0, 5, 0),
        ("queued", 1, 5, 1),
        ("failed", 2, 5, 2),
    ]
    assert row(database, job.id)["reason"] == "crashed"


def test_a_task_that_must_never_start_twice_fails_when_it_is_released(database: Database) -> None:
    held = start(database, on_crash="fail")

    assert perform(database, release, held) is True

    stored = row(database, held.job_id)
    assert (stored["state"], stored["reason"]) == ("failed", "crashed")
    assert "stopped" in stored["error"]


def test_release_cancels_a_job_that_was_asked_to_stop(database: Database) -> None:
    held = start(database)
    perform(database, cancel, held.slug)

    assert perform(database, release, held) is True
    assert row(database, held.job_id)["state"] == "cancelled"


# --- give_back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_crash", ["rerun", "fail"])
def test_a_job_that_never_started_goes_back_as_it_came(database: Database, on_crash: Any) -> None:
    held = start(database, on_crash=on_crash)

    assert perform(database, give_back, held) is True

    stored = row(database, held.job_id)
    assert (stored["state"], stored["worker_id"], stored["started_at"]) == ("queued", None, None)
    assert (stored["attempts"], stored["interruptions"], stored["crashes"], stored["error"]) == (0, 0, 0, None)
    assert attempts_rows(database, held.job_id) == []


def test_a_job_can_be_given_back_any_number_of_times(database: Database) -> None:
    held: Claim | None = start(database, on_crash="fail")
    for _ in range(MAX_INTERRUPTIONS + 2):
        assert held is not None
        perform(database, give_back, held)
        held = claim_next(database)

    assert held is not None
    assert row(database, held.job_id)["interruptions"] == 0


def test_giving_back_cancels_a_job_that_was_asked_to_stop(database: Database) -> None:
    held = start(database)
    perform(database, cancel, held.slug)

    assert perform(database, give_back, held) is True
    assert row(database, held.job_id)["state"] == "cancelled"


# --- each outcome -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Completed("1"), "completed"),
        (ERROR, "failed"),
        (RETRY, "scheduled"),
        (Released(), "queued"),
        (Unstarted(), "queued"),
    ],
)
def test_settle_leads_where_the_outcome_says(database: Database, outcome: Any, state: str) -> None:
    held = start(database, max_attempts=2)

    assert perform(database, settle, held, outcome) is True
    assert row(database, held.job_id)["state"] == state


def test_settle_of_a_cancelled_outcome_needs_that_somebody_asked(database: Database) -> None:
    held = start(database)

    before_it_was_asked = perform(database, settle, held, Cancelled())
    perform(database, cancel, held.slug)
    after_it_was_asked = perform(database, settle, held, Cancelled())

    assert (before_it_was_asked, after_it_was_asked) == (False, True)
    assert row(database, held.job_id)["state"] == "cancelled"


def test_finish_and_claim_settles_one_job_and_takes_the_next(database: Database) -> None:
    held = start(database)
    waiting = submit(database)

    accepted, following = perform(database, finish_and_claim, held, Completed("1"), ANYTHING)

    assert accepted is True
    assert following.job_id == waiting.id
    assert row(database, held.job_id)["state"] == "completed"
    assert row(database, waiting.id)["state"] == "processing"


def test_finish_and_claim_with_nothing_left_settles_all_the_same(database: Database) -> None:
    held = start(database)

    assert perform(database, finish_and_claim, held, Completed("1"), ANYTHING) == (True, None)
    assert row(database, held.job_id)["state"] == "completed"


def test_finish_and_claim_of_a_lost_claim_still_takes_the_next(database: Database) -> None:
    lost = start(database)
    perform(database, fail_crashed, lost, "killed")
    claim_next(database, OTHER_WORKER)
    waiting = submit(database)

    accepted, following = perform(database, finish_and_claim, lost, Completed("1"), ANYTHING)

    assert accepted is False
    assert following.job_id == waiting.id
    assert row(database, lost.job_id)["worker_id"] == "worker-2"


def test_a_freed_place_under_a_limit_can_be_taken_in_the_same_transaction(database: Database) -> None:
    one_at_once = ClaimScope([TASK], "worker-1", concurrency={TASK: 1})
    held = start(database)
    waiting = submit(database)
    assert claim_next(database, one_at_once) is None

    _, following = perform(database, finish_and_claim, held, Completed("1"), one_at_once)

    assert following.job_id == waiting.id


# --- lost claims and final rows ---------------------------------------------------------------------------------

SETTLINGS: dict[str, Settling] = {
    "finish": lambda connection, claim: finish(connection, claim, "stale"),
    "fail": lambda connection, claim: fail(connection, claim, ERROR),
    "fail and retry": lambda connection, claim: fail(connection, claim, RETRY),
    "release": release,
    "give_back": give_back,
    "crash": lambda connection, claim: fail_crashed(connection, claim, "stale"),
    "honour_cancel": honour_cancel,
    "report": lambda connection, claim: report(connection, claim, 1.0, 2.0, "stale"),
}
every_settling = pytest.mark.parametrize("settling", SETTLINGS.values(), ids=SETTLINGS.keys())


@every_settling
def test_a_lost_claim_changes_nothing_while_another_worker_holds_the_job(
    database: Database, settling: Settling
) -> None:
    lost = start(database, max_attempts=5)
    perform(database, fail_crashed, lost, "killed")
    live = claim_next(database, OTHER_WORKER)
    assert live is not None
    perform(database, cancel, lost.slug)
    before = row(database, lost.job_id), attempts_rows(database, lost.job_id)

    accepted = perform(database, settling, lost)

    assert accepted is False
    assert (row(database, lost.job_id), attempts_rows(database, lost.job_id)) == before
    assert perform(database, finish, live, "fresh") is True
    assert row(database, lost.job_id)["result"] == "fresh"


@every_settling
def test_a_lost_claim_changes_nothing_even_if_the_same_worker_holds_the_job_again(
    database: Database, settling: Settling
) -> None:
    lost = start(database, max_attempts=5)
    perform(database, release, lost)
    claim_next(database)
    perform(database, cancel, lost.slug)
    before = row(database, lost.job_id)

    assert perform(database, settling, lost) is False
    assert row(database, lost.job_id) == before


@every_settling
def test_a_lost_claim_changes_nothing_while_the_job_waits_again(database: Database, settling: Settling) -> None:
    lost = start(database, max_attempts=5)
    perform(database, release, lost)
    before = row(database, lost.job_id)

    assert perform(database, settling, lost) is False
    assert row(database, lost.job_id) == before


ENDINGS: dict[str, Callable[[Database, Claim], object]] = {
    "completed": lambda database, held: perform(database, finish, held, "1"),
    "failed": lambda database, held: perform(database, fail, held, ERROR),
    "cancelled": lambda database, held: (
        perform(database, cancel, held.slug),
        perform(database, honour_cancel, held),
    ),
}
every_ending = pytest.mark.parametrize("ending", ENDINGS.keys())


@every_settling
@every_ending
def test_a_final_row_never_changes_not_even_by_the_claim_that_ended_it(
    database: Database, settling: Settling, ending: str
) -> None:
    held = start(database, max_attempts=5)
    ENDINGS[ending](database, held)
    before = row(database, held.job_id), attempts_rows(database, held.job_id)

    accepted = perform(database, settling, held)

    assert before[0]["state"] == ending
    assert accepted is False
    assert (row(database, held.job_id), attempts_rows(database, held.job_id)) == before


@every_ending
def test_a_final_row_is_not_touched_by_cancel_claim_or_promotion(database: Database, ending: str) -> None:
    held = start(database, max_attempts=5)
    ENDINGS[ending](database, held)
    change(database, "UPDATE asyncinweb_jobs SET run_at = 1.0")
    before = all_rows(database)

    answer = perform(database, cancel, held.slug)
    claimed = claim_next(database)

    assert (answer, claimed) == ("refused", None)
    assert all_rows(database) == before


def test_settling_one_job_leaves_all_others_alone(database: Database) -> None:
    others = [start(database), submit(database, priority=-1)]
    others.append(submit(database, task="unknown"))
    held = start(database, priority=1)
    before = all_rows(database)

    perform(database, finish, held, "1")

    after = all_rows(database)
    assert {job_id for job_id, stored in after.items() if stored != before[job_id]} == {held.job_id}
    assert len(others) == 3


def test_what_a_run_says_of_its_rest_is_kept_until_another_begins(database: Database) -> None:
    held = start(database)
    perform(database, report, held, 3.0, 10.0, "", Range(20.0, 40.0))
    kept = row(database, held.job_id)
    perform(database, release, held)

    again = claim_next(database)

    assert again is not None
    assert (kept["seconds_left_low"], kept["seconds_left_high"]) == (20.0, 40.0)
    anew = row(database, held.job_id)
    assert (anew["progress_done"], anew["seconds_left_low"], anew["seconds_left_high"]) == (None, None, None)

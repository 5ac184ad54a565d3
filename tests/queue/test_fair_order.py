"""The order of claims: priority, then rank, then id; fair between owners; the place shown is the real one."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from queue_room import (
    ANYTHING,
    TASK,
    all_rows,
    change,
    claim_all,
    claim_next,
    make_due,
    new_job,
    perform,
    row,
    start,
    submit,
)

from asyncinweb.queue.claims import Claim, ClaimScope
from asyncinweb.queue.snapshot import take_snapshot
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.submitting import enqueue
from asyncinweb.queue.transitions import claim, fail, fail_crashed, finish, release
from asyncinweb.tasks.outcome import Failed

MANY = 1_500


def submit_many(database: Database, count: int, **facts: object) -> list[int]:
    with database.write() as connection:
        return [enqueue(connection, new_job(**facts))[0].id for _ in range(count)]


def claim_two(database: Database) -> list[int]:
    claims = [claim_next(database), claim_next(database)]
    return [held.job_id for held in claims if held is not None]


def places(database: Database) -> dict[int, int]:
    """The place of each queued job, as a visitor sees it."""
    with database.read() as session:
        return take_snapshot(session.connection(), lease_seconds=30).places()


# --- between owners ---------------------------------------------------------------------------------------------


def test_jobs_of_one_owner_start_as_they_were_submitted(database: Database) -> None:
    jobs = submit_many(database, 50, owner="anna")

    assert claim_all(database) == jobs


def test_a_higher_priority_goes_first_whoever_asks(database: Database) -> None:
    low, high, middle = (submit(database, owner="anna", priority=priority).id for priority in (-1, 7, 0))

    assert claim_all(database) == [high, middle, low]


@pytest.mark.parametrize("already_claimed", [0, 700])
def test_many_jobs_of_one_owner_delay_the_single_job_of_another_by_at_most_one(
    database: Database, already_claimed: int
) -> None:
    submit_many(database, MANY, owner="anna")
    with database.write() as connection:
        for _ in range(already_claimed):
            claim(connection, ANYTHING)

    job = submit(database, owner="ben")

    assert places(database)[job.id] <= 2
    assert job.id in claim_two(database)


def test_many_jobs_that_fall_due_at_once_delay_another_owner_no_more(database: Database) -> None:
    submit_many(database, 90, owner="anna", run_at=None)
    change(database, "UPDATE asyncinweb_jobs SET state = 'scheduled', rank = NULL, run_at = 1.0")
    claim_next(database)

    job = submit(database, owner="ben")

    assert job.id in claim_two(database)


def test_two_owners_with_many_jobs_take_turns(database: Database) -> None:
    anna = submit_many(database, 20, owner="anna")
    ben = submit_many(database, 20, owner="ben")

    claimed = claim_all(database)

    assert claimed[0::2] == anna
    assert claimed[1::2] == ben


def test_who_comes_late_gets_no_credit_for_the_time_before(database: Database) -> None:
    anna = submit_many(database, 20, owner="anna")
    with database.write() as connection:
        for _ in range(10):
            claim(connection, ANYTHING)

    ben = submit_many(database, 10, owner="ben")

    claimed = claim_all(database)
    assert sorted(claimed[:10]) == sorted(anna[10:15] + ben[:5])


def test_a_blocked_job_at_the_head_of_the_line_does_not_make_others_wait(database: Database) -> None:
    submit(database, task="unknown", owner="anna")
    submit_many(database, 50, owner="anna")

    job = submit(database, owner="ben")

    assert job.id in claim_two(database)


# --- jobs that come back ----------------------------------------------------------------------------------------


def come_back_released(database: Database, held: Claim) -> None:
    perform(database, release, held)


def come_back_crashed(database: Database, held: Claim) -> None:
    perform(database, fail_crashed, held, "killed")


def come_back_for_another_try(database: Database, held: Claim) -> None:
    perform(database, fail, held, Failed("error", "ValueError", retry_after=60.0))
    make_due(database, held.job_id)


every_way_back = pytest.mark.parametrize(
    "come_back", [come_back_released, come_back_crashed, come_back_for_another_try]
)


@every_way_back
def test_a_job_that_comes_back_takes_the_rank_now_being_served(
    database: Database, come_back: Callable[[Database, Claim], None]
) -> None:
    held = start(database, owner="anna", max_attempts=2)
    submit_many(database, 30, owner="anna")
    submit_many(database, 5, owner="ben")
    with database.write() as connection:
        for _ in range(20):
            claim(connection, ANYTHING)
    now_served = min(each["rank"] for each in all_rows(database).values() if each["state"] == "queued")

    come_back(database, held)

    assert now_served > 0
    assert claim_all(database)[0] == held.job_id


@every_way_back
def test_a_job_that_comes_back_to_an_empty_line_is_next(
    database: Database, come_back: Callable[[Database, Claim], None]
) -> None:
    held = start(database, max_attempts=2)

    come_back(database, held)

    again = claim_next(database)
    assert again is not None
    assert (again.job_id, again.claim_no) == (held.job_id, held.claim_no + 1)


@every_way_back
def test_a_job_that_comes_back_does_not_pass_a_higher_priority(
    database: Database, come_back: Callable[[Database, Claim], None]
) -> None:
    held = start(database, max_attempts=2)
    urgent = submit(database, priority=1)

    come_back(database, held)

    assert claim_all(database) == [urgent.id, held.job_id]


# --- the place shown --------------------------------------------------------------------------------------------

submissions = st.tuples(st.just("submit"), st.sampled_from("abc"), st.integers(-1, 1))
steps = st.lists(
    submissions
    | st.sampled_from([("claim",), ("claim and release",), ("claim and crash",), ("claim and finish",)]),
    max_size=30,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_the_place_is_the_real_order_of_claims(database: Database, steps: list[tuple]) -> None:
    change(database, "DELETE FROM asyncinweb_jobs")
    with database.write() as connection:
        for action, *facts in steps:
            if action == "submit":
                owner, priority = facts
                enqueue(connection, new_job(owner=owner, priority=priority))
            elif held := claim(connection, ANYTHING):
                if action == "claim and release":
                    release(connection, held)
                elif action == "claim and crash":
                    fail_crashed(connection, held, "killed")
                elif action == "claim and finish":
                    finish(connection, held, "1")

    shown = places(database)
    claimed = claim_all(database)

    assert shown == {job_id: place for place, job_id in enumerate(claimed, start=1)}


def test_only_a_queued_job_has_a_place(database: Database) -> None:
    held = start(database)
    waiting = submit(database)
    perform(database, finish, start(database, priority=1), "1")

    assert places(database) == {waiting.id: 1}
    assert row(database, held.job_id)["state"] == "processing"


# --- limits -----------------------------------------------------------------------------------------------------


def test_a_tasks_concurrency_is_kept_and_does_not_hold_up_other_tasks(database: Database) -> None:
    limited = ClaimScope([TASK, "other"], "worker-1", concurrency={TASK: 2})
    reports = submit_many(database, 4)
    others = submit_many(database, 2, task="other")

    claimed = claim_all(database, limited)

    assert claimed == [*reports[:2], *others]


def test_the_next_of_a_limited_task_starts_when_one_has_ended(database: Database) -> None:
    limited = ClaimScope([TASK], "worker-1", concurrency={TASK: 1})
    first, second = submit_many(database, 2)
    held = claim_next(database, limited)
    assert held is not None
    while_running = claim_next(database, limited)
    perform(database, finish, held, "1")

    after = claim_next(database, limited)

    assert held.job_id == first
    assert while_running is None
    assert after is not None
    assert after.job_id == second


def test_limits_of_several_tasks_are_kept_apart(database: Database) -> None:
    limited = ClaimScope(["a", "b"], "worker-1", concurrency={"a": 1, "b": 2})
    a = submit_many(database, 3, task="a")
    b = submit_many(database, 3, task="b")

    assert claim_all(database, limited) == [a[0], b[0], b[1]]


def test_an_owners_running_jobs_are_limited_and_do_not_hold_up_other_owners(database: Database) -> None:
    limited = ClaimScope([TASK], "worker-1", max_running_per_owner=1)
    anna = submit_many(database, 3, owner="anna")
    ben = submit_many(database, 3, owner="ben")

    assert claim_all(database, limited) == [anna[0], ben[0]]


def test_an_owners_limit_does_not_bind_the_program_itself(database: Database) -> None:
    limited = ClaimScope([TASK], "worker-1", max_running_per_owner=1)
    jobs = submit_many(database, 3, owner="")

    assert claim_all(database, limited) == jobs


def test_blocked_jobs_ahead_by_the_thousand_do_not_hide_the_one_that_may_start(database: Database) -> None:
    limited = ClaimScope([TASK, "other"], "worker-1", concurrency={TASK: 1})
    blocked = submit_many(database, MANY, priority=1)
    submit_many(database, 100, task="unknown", priority=1)
    free = submit(database, task="other")

    assert claim_all(database, limited) == [blocked[0], free.id]

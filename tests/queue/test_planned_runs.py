"""Runs that the clock starts: planned once, and withdrawn when the plan of their own supervisor has changed."""

from datetime import UTC, datetime, timedelta

import pytest
from queue_room import all_rows, change, claim_next, new_job, perform, row, submit

from asyncinweb import clock
from asyncinweb.queue.planned_runs import WITHDRAWN, plan, waiting_runs, withdraw
from asyncinweb.queue.stores.sqlite import Database

NEXT_YEAR = datetime(clock.now().year + 1, 1, 1, 3, tzinfo=UTC)


def plan_run(database: Database, planner: str = "here", run_at: datetime = NEXT_YEAR, **facts: object) -> int:
    """The id of the planned job; 0 if it was planned already."""
    before = all_rows(database).keys()
    perform(database, plan, planner, new_job(**facts), run_at)
    return max(all_rows(database).keys() - before, default=0)


def mine(database: Database, planner: str = "here") -> list[int]:
    return [run.id for run in perform(database, waiting_runs, planner)]


def test_a_run_is_planned_once_whoever_plans_it(database: Database) -> None:
    first = plan_run(database, "here")

    assert first
    assert plan_run(database, "there") == 0
    assert plan_run(database, "there", arguments='{"number": 2}') == 0
    assert row(database, first)["planned_by"] == "here"


def test_a_withdrawn_run_says_why_and_its_moment_can_be_planned_again(database: Database) -> None:
    first = plan_run(database)

    assert perform(database, withdraw, first)
    again = plan_run(database, "there")

    assert (row(database, first)["state"], row(database, first)["error"]) == ("cancelled", WITHDRAWN)
    assert row(database, again)["state"] == "scheduled"


@pytest.mark.parametrize("state", ["processing", "retrying", "completed"])
def test_a_run_that_has_started_is_not_withdrawn(database: Database, state: str) -> None:
    job = plan_run(database, run_at=clock.now() - timedelta(minutes=1))
    held = claim_next(database)
    assert held is not None
    assert held.job_id == job
    if state != "processing":
        waits = state == "retrying"
        change(
            database,
            "UPDATE asyncinweb_jobs SET worker_id = NULL, state = :state, run_at = :run_at, finished_at = :end",
            state="scheduled" if waits else "completed",
            run_at=NEXT_YEAR.timestamp() if waits else None,
            end=None if waits else 1.0,
        )

    assert mine(database) == []
    assert not perform(database, withdraw, job)


def test_only_runs_of_the_own_plan_are_looked_at(database: Database) -> None:
    own = plan_run(database, "here")
    plan_run(database, "there", run_at=NEXT_YEAR + timedelta(hours=1))
    submit(database, run_at=NEXT_YEAR)
    submit(database, run_at=NEXT_YEAR, idempotency_key="cron of somebody", owner="somebody", planned_by="there")

    assert mine(database) == [own]


def test_a_run_that_an_older_version_planned_belongs_to_whoever_finds_it(database: Database) -> None:
    old = plan_run(database)
    change(database, "UPDATE asyncinweb_jobs SET planned_by = NULL")

    assert mine(database, "here") == mine(database, "there") == [old]

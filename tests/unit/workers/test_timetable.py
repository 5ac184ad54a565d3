"""What a supervisor plans and withdraws, on a real database: whatever of a schedule has changed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from asyncinweb.queue.planned_runs import WITHDRAWN
from asyncinweb.queue.schema import ensure_schema
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.submitting import NewJob
from asyncinweb.workers.supervising.schedule import Schedule
from asyncinweb.workers.supervising.timetable import Timetable

YEARLY = Schedule("0 3 1 1 *", NewJob("tick", '{"number":1}'))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "asyncinweb.db", "normal")
    ensure_schema(database)
    yield database
    database.close()


def jobs(database: Database) -> list[tuple[str, str, str | None]]:
    """State, arguments and reason of all jobs, oldest first."""
    with database.read() as session:
        rows = session.execute(text("SELECT state, arguments, error FROM asyncinweb_jobs ORDER BY id"))
        return [tuple(row) for row in rows]


@pytest.mark.parametrize(
    ("changed", "planned"),
    [
        ((replace(YEARLY, cron="0 4 1 1 *"),), 1),
        ((), 0),
        ((replace(YEARLY, job=replace(YEARLY.job, task="tock")),), 1),
        ((replace(YEARLY, job=replace(YEARLY.job, arguments='{"number":2}')),), 1),
        ((replace(YEARLY, job=replace(YEARLY.job, arguments="{}")),), 1),
        ((replace(YEARLY, job=replace(YEARLY.job, timeout_seconds=9.0)),), 1),
    ],
    ids=["another time", "removed", "renamed", "another default", "no parameter", "another time limit"],
)
@pytest.mark.parametrize("restarted", [False, True])
def test_a_run_of_a_changed_schedule_is_withdrawn_with_a_reason(
    database: Database, changed: tuple[Schedule, ...], planned: int, restarted: bool
) -> None:
    timetable = Timetable(database, "here")
    timetable.keep((YEARLY,))

    (Timetable(database, "here") if restarted else timetable).keep(changed)

    first, *others = jobs(database)
    assert first == ("cancelled", '{"number":1}', WITHDRAWN)
    assert [state for state, _, _ in others] == ["scheduled"] * planned


@pytest.mark.parametrize("same", [(YEARLY,), (YEARLY, Schedule("0 5 1 1 *", NewJob("other", "{}")))])
def test_a_run_that_is_still_in_the_plan_stays(database: Database, same: tuple[Schedule, ...]) -> None:
    Timetable(database, "here").keep((YEARLY,))

    Timetable(database, "here").keep(same)

    assert [state for state, _, _ in jobs(database)] == ["scheduled"] * len(same)


def test_a_run_that_fell_due_while_nothing_ran_is_made_up_for(database: Database) -> None:
    Timetable(database, "here").keep((YEARLY,))
    with database.write() as connection:
        # The third hour of this year's first day, in which nobody was there.
        connection.execute(text("UPDATE asyncinweb_jobs SET run_at = 1767236400.0, idempotency_key = 'cron then'"))

    Timetable(database, "here").keep((YEARLY,))

    assert [state for state, _, _ in jobs(database)] == ["scheduled", "scheduled"]


def test_the_plan_of_another_supervisor_is_left_alone_and_takes_over(database: Database) -> None:
    here, there = Timetable(database, "here"), Timetable(database, "there")
    here.keep((YEARLY,))
    there.keep((YEARLY,))
    assert len(jobs(database)) == 1

    there.keep(())
    assert [state for state, _, _ in jobs(database)] == ["scheduled"]
    there.keep((YEARLY,))
    here.keep(())
    there.look_again()
    there.keep((YEARLY,))

    assert [state for state, _, _ in jobs(database)] == ["cancelled", "scheduled"]

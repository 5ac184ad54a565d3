"""The position that a page shows, against the claims that workers really make: places, limits, what falls due."""

from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from queue_room import (
    TASK,
    change,
    claim_all,
    claim_next,
    new_job,
    perform,
    start,
    submit,
)

from asyncinweb.identity import Identity
from asyncinweb.queue import position
from asyncinweb.queue.claims import ClaimScope
from asyncinweb.queue.position import (
    Limits,
    Position,
    count_living_workers,
    position_of,
    position_of_new,
    take_snapshot,
)
from asyncinweb.queue.process_registry import register_supervisor, register_worker
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.submitting import enqueue
from asyncinweb.queue.transitions import claim, fail, finish
from asyncinweb.tasks.outcome import Failed

TASKS = frozenset({TASK, "other", "single"})
FREE = Limits(TASKS, {})


def limits(concurrency: Mapping[str, int] | None = None, of_owner: int | None = None) -> Limits:
    return Limits(TASKS, concurrency or {}, of_owner)


def scope(limits: Limits) -> ClaimScope:
    return ClaimScope(sorted(limits.tasks), "worker-1", dict(limits.concurrency), limits.max_running_per_owner)


def positions(database: Database, limits: Limits) -> dict[int, Position]:
    """Where every waiting job of a known task stands."""
    with database.glance() as connection:
        found = take_snapshot(connection)
        ids = [int(each.key[2]) for each in found.waiting if each.task in limits.tasks]
        stands = {job_id: position_of(found, limits, job_id) for job_id in ids}
    return {job_id: position for job_id, position in stands.items() if position is not None}


def places(database: Database, limits: Limits) -> dict[int, int]:
    return {
        job_id: position.place
        for job_id, position in positions(database, limits).items()
        if position.place is not None
    }


jobs = st.tuples(
    st.sampled_from([TASK, "other", "single", "unknown"]), st.sampled_from(["", "a", "b"]), st.integers(-1, 1)
)
steps = st.lists(
    st.tuples(st.sampled_from(["submit", "submit", "due"]), jobs) | st.sampled_from(["claim", "fail", "finish"]),
    max_size=20,
)
some_limits = st.builds(
    limits,
    st.dictionaries(st.sampled_from([TASK, "single"]), st.integers(1, 2)),
    st.sampled_from([None, 1, 2]),
)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps, some_limits)
def test_the_places_are_the_claims_that_come_if_nothing_ends(
    database: Database, steps: list, limits: Limits
) -> None:
    change(database, "DELETE FROM asyncinweb_jobs")
    with database.write() as connection:
        for step in steps:
            if isinstance(step, tuple):
                action, (task, owner, priority) = step
                enqueue(connection, new_job(task=task, owner=owner, priority=priority, max_attempts=2))
                if action == "due":
                    connection.exec_driver_sql(
                        "UPDATE asyncinweb_jobs SET state = 'scheduled', rank = NULL, run_at = id "
                        "WHERE id = (SELECT max(id) FROM asyncinweb_jobs)"
                    )
            elif held := claim(connection, scope(limits)):
                if step == "fail":
                    fail(connection, held, Failed("error", "no", None, 0.0))
                elif step == "finish":
                    finish(connection, held, "1")

    shown = places(database, limits)
    claimed = claim_all(database, scope(limits))

    assert shown == {job_id: place for place, job_id in enumerate(claimed, start=1)}


def test_a_job_held_by_its_tasks_limit_says_so_and_how_many_wait_for_the_same(database: Database) -> None:
    one_at_a_time = limits({"single": 1})
    submit(database, task="single")
    claim_next(database, scope(one_at_a_time))
    first, second = submit(database, task="single"), submit(database, task="single")
    free = submit(database)

    found = positions(database, one_at_a_time)

    assert (found[first.id].held_by, found[first.id].limit, found[first.id].behind) == ("task", 1, 0)
    assert (found[second.id].held_by, found[second.id].behind, found[second.id].place) == ("task", 1, None)
    assert found[free.id].place == 1


def test_a_job_held_by_its_owners_limit_says_so_and_others_pass_it(database: Database) -> None:
    two_each = limits(of_owner=2)
    anna = [submit(database, owner="anna") for _ in range(4)]
    for _ in range(2):
        claim_next(database, scope(two_each))
    ben = submit(database, owner="ben")

    found = positions(database, two_each)

    held = [found[job.id] for job in anna[2:]]
    assert [(each.held_by, each.limit, each.behind) for each in held] == [("owner", 2, 0), ("owner", 2, 1)]
    assert found[ben.id].place == 1
    assert claim_all(database, scope(two_each)) == [ben.id]


@pytest.mark.parametrize("owner", ["anna", "ben"])
@pytest.mark.parametrize("priority", [0, 1])
def test_what_is_ahead_of_a_new_job_is_what_starts_before_it(
    database: Database, owner: str, priority: int
) -> None:
    for each in ("anna", "anna", "anna", "carl"):
        submit(database, owner=each)
    submit(database, owner="dora", task="single", priority=1)
    submit(database, owner="dora", task="single", priority=1)
    one_at_a_time = limits({"single": 1})
    with database.glance() as connection:
        expected = position_of_new(connection, one_at_a_time, TASK, owner, priority)

    new = submit(database, owner=owner, priority=priority)

    assert expected.place == places(database, one_at_a_time)[new.id]
    assert claim_all(database, scope(one_at_a_time)).index(new.id) == len(expected.ahead)


def test_a_line_too_long_to_count_is_called_long(database: Database) -> None:
    with database.write() as connection:
        for _ in range(position.MOST_COUNTED + 1):
            enqueue(connection, new_job(owner="anna"))
    last = submit(database, owner="anna")

    with database.glance() as connection:
        found = take_snapshot(connection)
        new = position_of_new(connection, FREE, TASK, "anna", 0)

    assert position_of(found, FREE, last.id) == Position((), is_far=True)
    assert new.is_far
    assert (new.place, new.held_by) == (None, None)


def test_a_job_that_does_not_wait_stands_nowhere(database: Database) -> None:
    held = start(database)

    with database.glance() as connection:
        assert position_of(take_snapshot(connection), FREE, held.job_id) is None


def test_workers_live_while_their_supervisor_gives_signs_of_life(database: Database) -> None:
    for number in (1, 2):
        identity = Identity("host", "boot", number, "start")
        perform(database, register_supervisor, f"supervisor-{number}", identity, None, 1)
        perform(database, register_worker, f"worker-{number}", f"supervisor-{number}", identity)
    change(
        database,
        "UPDATE asyncinweb_supervisors SET heartbeat_at = heartbeat_at - 40 WHERE id = 'supervisor-1'",
    )

    with database.glance() as connection:
        assert count_living_workers(connection, lease_seconds=30) == 1
        assert count_living_workers(connection, lease_seconds=60) == 2

"""The position that a page shows, against the claims that workers really make: places, limits, what falls due."""

from collections.abc import Mapping
from dataclasses import replace

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
    rows,
    start,
    submit,
)

from asyncinweb.identity import Identity
from asyncinweb.queue import ranks, snapshot
from asyncinweb.queue.claims import ClaimScope
from asyncinweb.queue.position import Limits, Position, QueueSnapshot
from asyncinweb.queue.process_registry import (
    RegisteredTask,
    deregister_supervisor,
    register_supervisor,
    register_tasks,
    register_worker,
)
from asyncinweb.queue.snapshot import count_living_workers, living_limits, take_snapshot
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.submitting import enqueue
from asyncinweb.queue.transitions import claim, fail, finish
from asyncinweb.tasks.outcome import Failed

TASKS = frozenset({TASK, "other", "single"})
FREE = Limits(TASKS, {})
LEASE = 30.0


def limits(concurrency: Mapping[str, int] | None = None, of_owner: int | None = None) -> Limits:
    return Limits(TASKS, concurrency or {}, of_owner)


def scope(limits: Limits) -> ClaimScope:
    return ClaimScope(sorted(limits.tasks), "worker-1", dict(limits.concurrency), limits.max_running_per_owner)


def snapshot_with(database: Database, limits: Limits) -> QueueSnapshot:
    """The queue now, as if one living worker had these limits."""
    with database.read() as session:
        found = take_snapshot(session.connection(), LEASE)
    return replace(found, limits=limits, workers=1)


def positions(database: Database, limits: Limits) -> dict[int, Position]:
    """Where every waiting job of a known task stands."""
    found = snapshot_with(database, limits)
    stands = {int(each.key[2]): found.position_of(int(each.key[2])) for each in found.waiting}
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

    shown, listed = places(database, limits), snapshot_with(database, limits).places()
    claimed = claim_all(database, scope(limits))

    assert shown == listed == {job_id: place for place, job_id in enumerate(claimed, start=1)}


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
        rank = ranks.for_new(connection, priority, owner)
    expected = snapshot_with(database, one_at_a_time).position_of_new(TASK, owner, priority, rank)

    new = submit(database, owner=owner, priority=priority)

    assert expected.place == places(database, one_at_a_time)[new.id]
    assert claim_all(database, scope(one_at_a_time)).index(new.id) == len(expected.ahead)


def test_a_queue_too_long_to_count_is_called_long(database: Database) -> None:
    with database.write() as connection:
        for _ in range(snapshot.MOST_COUNTED + 1):
            enqueue(connection, new_job(owner="anna"))
    last = submit(database, owner="anna")

    with database.glance() as connection:
        rank = ranks.for_new(connection, 0, "anna")
    found = snapshot_with(database, FREE)
    new = found.position_of_new(TASK, "anna", 0, rank)

    assert found.position_of(last.id) == Position((), is_far=True)
    assert new.is_far
    assert (new.place, new.held_by) == (None, None)


def test_a_job_that_does_not_wait_stands_nowhere(database: Database) -> None:
    held = start(database)

    assert snapshot_with(database, FREE).position_of(held.job_id) is None


def add_supervisor(database: Database, number: int, *tasks: RegisteredTask, of_owner: int | None = None) -> None:
    """A supervisor with a worker that has loaded these tasks."""
    identity = Identity("host", "boot", number, "start")
    perform(database, register_supervisor, f"supervisor-{number}", identity, None, 1, of_owner)
    perform(database, register_worker, f"worker-{number}", f"supervisor-{number}", identity)
    perform(database, register_tasks, f"supervisor-{number}", tasks)


def silence(database: Database, number: int) -> None:
    """The supervisor has sent no heartbeat for 40 s."""
    change(
        database,
        f"UPDATE asyncinweb_supervisors SET heartbeat_at = heartbeat_at - 40 WHERE id = 'supervisor-{number}'",
    )


def limits_now(database: Database) -> Limits:
    with database.glance() as connection:
        return living_limits(connection, LEASE)


def test_the_limits_are_those_that_workers_have_registered(database: Database) -> None:
    add_supervisor(database, 1, RegisteredTask("free", "Free"), RegisteredTask("single", "Single", 1), of_owner=3)

    assert limits_now(database) == Limits(frozenset({"free", "single"}), {"single": 1}, 3)


def test_where_two_supervisors_differ_the_stricter_limit_holds(database: Database) -> None:
    add_supervisor(database, 1, RegisteredTask("report", "Report", 4), of_owner=None)
    add_supervisor(database, 2, RegisteredTask("report", "Report", 2), RegisteredTask("new", "New"), of_owner=5)

    assert limits_now(database) == Limits(frozenset({"report", "new"}), {"report": 2}, 5)


def test_what_a_silent_supervisor_registered_no_longer_counts(database: Database) -> None:
    add_supervisor(database, 1, RegisteredTask("report", "Report", 1), RegisteredTask("old", "Old"), of_owner=1)
    add_supervisor(database, 2, RegisteredTask("report", "Report"))
    silence(database, 1)

    assert limits_now(database) == Limits(frozenset({"report"}), {})


def test_a_replaced_worker_registers_its_own_tasks_instead(database: Database) -> None:
    add_supervisor(database, 1, RegisteredTask("before", "Before", 1))
    perform(database, register_tasks, "supervisor-1", [RegisteredTask("after", "After")])

    assert limits_now(database) == Limits(frozenset({"after"}), {})


def test_a_supervisor_that_ends_takes_its_tasks_along(database: Database) -> None:
    add_supervisor(database, 1, RegisteredTask("report", "Report"))
    perform(database, deregister_supervisor, "supervisor-1")

    assert limits_now(database).tasks == frozenset()
    assert rows(database, "SELECT * FROM asyncinweb_tasks") == []


def test_a_job_whose_task_no_living_worker_knows_has_no_place(database: Database) -> None:
    add_supervisor(database, 1, RegisteredTask(TASK, "Task"))
    unknown, known = submit(database, task="gone"), submit(database)

    with database.read() as session:
        found = take_snapshot(session.connection(), LEASE)

    assert found.places() == {known.id: 1}
    assert found.position_of(unknown.id) is None
    assert not found.is_known("gone")


def test_without_workers_the_places_are_the_order_of_the_queue(database: Database) -> None:
    first, second = submit(database, task="gone"), submit(database)

    with database.read() as session:
        found = take_snapshot(session.connection(), LEASE)

    assert found.places() == {first.id: 1, second.id: 2}
    assert found.is_known("gone")


def test_workers_live_while_their_supervisor_sends_heartbeats(database: Database) -> None:
    for number in (1, 2):
        add_supervisor(database, number)
    silence(database, 1)

    with database.glance() as connection:
        assert count_living_workers(connection, lease_seconds=30) == 1
        assert count_living_workers(connection, lease_seconds=60) == 2

"""crash and rescue: what becomes of a job whose process died, here or on another computer."""

import pytest
from queue_room import TASK, attempts_rows, change, claim_next, make_due, perform, row, rows, start, submit

from asyncinweb.identity import Identity
from asyncinweb.queue import process_registry
from asyncinweb.queue.claims import Claim, ClaimScope
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.transitions import cancel, fail, fail_crashed, finish
from asyncinweb.tasks.outcome import Failed

LEASE = 30.0
HERE = "here"


# --- crash ------------------------------------------------------------------------------------------------------


def test_a_crashed_job_goes_back_to_the_queue_once_and_keeps_the_attempt_it_used(database: Database) -> None:
    held = start(database)

    accepted = perform(database, fail_crashed, held, "killed by signal 9")

    stored = row(database, held.job_id)
    (attempt,) = attempts_rows(database, held.job_id)
    assert accepted is True
    assert (stored["state"], stored["worker_id"], stored["crashes"], stored["attempts"]) == ("queued", None, 1, 1)
    assert (attempt["reason"], attempt["error"]) == ("crashed", "killed by signal 9")
    assert (attempt["number"], attempt["claim_no"], attempt["worker_id"]) == (1, 1, "worker-1")


def test_a_job_that_crashes_again_has_failed(database: Database) -> None:
    perform(database, fail_crashed, start(database), "killed by signal 9")
    again = claim_next(database)
    assert again is not None

    accepted = perform(database, fail_crashed, again, "killed by signal 11")

    stored = row(database, again.job_id)
    assert accepted is True
    assert (stored["state"], stored["reason"], stored["crashes"]) == ("failed", "crashed", 2)
    assert stored["error"] == "killed by signal 11"
    assert [each["error"] for each in attempts_rows(database, again.job_id)] == [
        "killed by signal 9",
        "killed by signal 11",
    ]
    assert claim_next(database) is None


def test_a_job_that_must_not_start_twice_may_crash_once_before_its_start(
    database: Database,
) -> None:
    held = start(database, on_crash="fail")

    with database.write() as connection:
        fail_crashed(connection, held, "killed by signal 9", has_started=False)
    first = row(database, held.job_id)["state"]
    again = claim_next(database)
    assert again is not None
    with database.write() as connection:
        fail_crashed(connection, again, "killed by signal 9", has_started=False)

    # What ends each worker that claims it must not go on for ever.
    assert (first, row(database, held.job_id)["state"]) == ("queued", "failed")


def test_a_crash_and_failed_tries_do_not_lend_each_other_tries(database: Database) -> None:
    retry = Failed("error", "ValueError", retry_after=1.0)
    held = start(database, max_attempts=2)
    perform(database, fail_crashed, held, "killed")
    again = claim_next(database)
    assert again is not None

    perform(database, fail, again, retry)

    assert row(database, held.job_id)["state"] == "failed"
    assert row(database, held.job_id)["attempts"] == 2


def test_a_job_may_crash_once_in_any_of_its_tries(database: Database) -> None:
    job = submit(database, max_attempts=3)
    first = claim_next(database)
    assert first is not None
    perform(database, fail, first, Failed("error", "ValueError", retry_after=1.0))
    make_due(database, job.id)
    second = claim_next(database)
    assert second is not None

    perform(database, fail_crashed, second, "killed")

    assert row(database, job.id)["state"] == "queued"
    assert [each["reason"] for each in attempts_rows(database, job.id)] == ["error", "crashed"]


def test_a_task_that_must_never_start_twice_fails_at_its_first_crash(database: Database) -> None:
    held = start(database, on_crash="fail")

    assert perform(database, fail_crashed, held, "killed") is True
    assert row(database, held.job_id)["state"] == "failed"
    assert row(database, held.job_id)["reason"] == "crashed"
    assert claim_next(database) is None


def test_a_crash_of_a_lost_claim_changes_nothing(database: Database) -> None:
    held = start(database)
    perform(database, fail_crashed, held, "killed")
    claim_next(database)
    before = row(database, held.job_id), attempts_rows(database, held.job_id)

    assert perform(database, fail_crashed, held, "killed, says somebody late") is False
    assert (row(database, held.job_id), attempts_rows(database, held.job_id)) == before


# --- rescue -----------------------------------------------------------------------------------------------------


def start_on(database: Database, host: str, **facts: object) -> Claim:
    """A job that a worker of another host's supervisor holds."""
    supervisor_id, worker_id = f"supervisor-{host}", f"worker-{host}"
    identity = Identity(host, "boot", 100, "start")
    perform(database, process_registry.register_supervisor, supervisor_id, identity, None, 1)
    perform(database, process_registry.register_worker, worker_id, supervisor_id, identity)
    submit(database, **facts)
    held = claim_next(database, ClaimScope([TASK], worker_id))
    assert held is not None
    return held


def silence(database: Database, host: str, seconds: float) -> None:
    change(
        database,
        "UPDATE asyncinweb_supervisors SET heartbeat_at = heartbeat_at - :seconds WHERE host = :host",
        seconds=seconds,
        host=host,
    )


def rescue(database: Database) -> list[Claim]:
    return perform(database, process_registry.rescue, HERE, LEASE)


def test_what_a_silent_host_held_is_queued_again_and_the_host_forgotten(database: Database) -> None:
    held = start_on(database, "there")
    silence(database, "there", LEASE + 5)

    rescued = rescue(database)

    assert [(each.job_id, each.claim_no) for each in rescued] == [(held.job_id, held.claim_no)]
    assert row(database, held.job_id)["state"] == "queued"
    assert "there" in attempts_rows(database, held.job_id)[0]["error"]
    assert rows(database, "SELECT id FROM asyncinweb_supervisors") == []
    assert rows(database, "SELECT id FROM asyncinweb_workers") == []


def test_a_host_that_was_heard_of_within_the_lease_keeps_its_jobs(database: Database) -> None:
    held = start_on(database, "there")
    silence(database, "there", LEASE - 5)

    assert rescue(database) == []
    assert row(database, held.job_id)["worker_id"] == "worker-there"


def test_a_beat_ends_the_silence(database: Database) -> None:
    held = start_on(database, "there")
    silence(database, "there", LEASE + 5)

    was_known = perform(database, process_registry.heartbeat, "supervisor-there")

    assert was_known is True
    assert rescue(database) == []
    assert row(database, held.job_id)["state"] == "processing"


def test_the_own_host_is_never_judged_by_a_heartbeat(database: Database) -> None:
    held = start_on(database, HERE)
    silence(database, HERE, LEASE * 100)

    assert rescue(database) == []
    assert row(database, held.job_id)["state"] == "processing"


def test_the_heartbeat_is_the_databases_clock_whatever_ours_says(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asyncinweb.clock.now", lambda: pytest.fail("our own clock was asked"))
    change(
        database,
        "INSERT INTO asyncinweb_supervisors "
        "(id, host, boot_id, pid, pid_started, workers, started_at, heartbeat_at) "
        "VALUES ('s', 'there', 'b', 1, 'x', 1, 0.0, 0.0)",
    )

    perform(database, process_registry.heartbeat, "s")
    rescued = rescue(database)

    (difference,) = rows(
        database,
        "SELECT (julianday('now') - 2440587.5) * 86400.0 - heartbeat_at AS seconds FROM asyncinweb_supervisors",
    )
    assert rescued == []
    assert 0 <= difference["seconds"] < LEASE


def test_a_rescued_worker_that_comes_back_has_lost_its_claim(database: Database) -> None:
    lost = start_on(database, "there")
    silence(database, "there", LEASE + 5)
    rescue(database)

    late = perform(database, finish, lost, "late")
    beat = perform(database, process_registry.heartbeat, "supervisor-there")
    fresh = claim_next(database)

    assert (late, beat) == (False, False)
    assert fresh is not None
    assert perform(database, finish, fresh, "fresh") is True
    assert row(database, lost.job_id)["result"] == "fresh"


def test_rescue_of_a_job_that_was_asked_to_stop_cancels_it(database: Database) -> None:
    held = start_on(database, "there")
    perform(database, cancel, held.slug)
    silence(database, "there", LEASE + 5)

    rescue(database)

    assert row(database, held.job_id)["state"] == "cancelled"


def test_rescue_fails_a_task_that_must_never_start_twice(database: Database) -> None:
    held = start_on(database, "there", on_crash="fail")
    silence(database, "there", LEASE + 5)

    rescue(database)

    assert row(database, held.job_id)["reason"] == "crashed"


def test_rescue_settles_every_worker_of_every_silent_host_and_no_other(database: Database) -> None:
    identity = Identity("there", "boot", 100, "start")
    silent = [start_on(database, "there"), start_on(database, "yonder")]
    for number in range(40):
        perform(database, process_registry.register_worker, f"worker-{number}", "supervisor-there", identity)
        submit(database)
        held = claim_next(database, ClaimScope([TASK], f"worker-{number}"))
        assert held is not None
        silent.append(held)
    alive = start_on(database, "alive")
    silence(database, "there", LEASE + 5)
    silence(database, "yonder", LEASE + 5)

    rescued = rescue(database)

    assert {each.job_id for each in rescued} == {each.job_id for each in silent}
    assert all(row(database, each.job_id)["state"] == "queued" for each in silent)
    assert row(database, alive.job_id)["state"] == "processing"
    assert rows(database, "SELECT id FROM asyncinweb_workers") == [{"id": "worker-alive"}]

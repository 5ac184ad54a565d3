"""Who is there: rows of supervisors and workers, and rescuing what dead workers held."""

from queue_room import TASK, claim_next, perform, row, rows, start, submit

from asyncinweb.identity import Identity, new_id
from asyncinweb.queue import polling, process_registry, reading
from asyncinweb.queue.claims import ClaimScope
from asyncinweb.queue.process_registry import RegisteredWorker
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.transitions import finish

HERE = Identity("here", "boot-1", 100, "start-100")
THERE = Identity("there", "boot-2", 100, "start-100")


def register(database: Database, number: int, identity: Identity = HERE, wake_port: int | None = None) -> None:
    """A supervisor with two workers."""
    perform(database, process_registry.register_supervisor, f"s{number}", identity, wake_port, 2)
    for letter in "ab":
        perform(database, process_registry.register_worker, f"w{number}{letter}", f"s{number}", identity)


def names_of_workers(database: Database) -> list[str]:
    return [worker.worker_id for worker in perform(database, process_registry.workers_on, "here")]


def test_supervisors_and_workers_are_found_by_their_host_with_their_identity(database: Database) -> None:
    register(database, 1, HERE)
    register(database, 2, THERE)

    assert perform(database, process_registry.supervisors_on, "here") == [("s1", HERE)]
    assert perform(database, process_registry.workers_on, "there") == [
        RegisteredWorker("w2a", "s2", THERE),
        RegisteredWorker("w2b", "s2", THERE),
    ]
    assert perform(database, process_registry.workers_on, "nowhere") == []


def test_a_worker_or_a_supervisor_that_ends_is_forgotten(database: Database) -> None:
    register(database, 1)
    register(database, 2)

    perform(database, process_registry.deregister_worker, "w1a")
    after_worker = names_of_workers(database)
    perform(database, process_registry.deregister_supervisor, "s2")

    assert after_worker == ["w1b", "w2a", "w2b"]
    assert names_of_workers(database) == ["w1b"]
    assert perform(database, process_registry.supervisors_on, "here") == [("s1", HERE)]


def test_a_beat_of_a_forgotten_supervisor_says_so(database: Database) -> None:
    register(database, 1)

    known = perform(database, process_registry.heartbeat, "s1")
    perform(database, process_registry.deregister_supervisor, "s1")
    forgotten = perform(database, process_registry.heartbeat, "s1")

    assert (known, forgotten) == (True, False)


def test_a_worker_holds_what_it_claimed_until_it_has_settled_it(database: Database) -> None:
    held = start(database)

    while_running = perform(database, process_registry.claims_of, "worker-1")
    of_another = perform(database, process_registry.claims_of, "worker-2")
    perform(database, finish, held, "1")

    assert [(each.job_id, each.claim_no, each.slug) for each in while_running] == [
        (held.job_id, held.claim_no, held.slug)
    ]
    assert of_another == []
    assert perform(database, process_registry.claims_of, "worker-1") == []


def test_rescuing_from_a_worker_settles_what_it_held_and_deregisters_it(database: Database) -> None:
    register(database, 1)
    submit(database)
    held = claim_next(database, ClaimScope([TASK], "w1a"))
    assert held is not None

    rescued = perform(database, process_registry.rescue_worker, "w1a", "killed by signal 9")

    assert [each.job_id for each in rescued] == [held.job_id]
    assert row(database, held.job_id)["state"] == "queued"
    assert row(database, held.job_id)["error"] == "killed by signal 9"
    assert names_of_workers(database) == ["w1b"]


def test_rescuing_from_an_idle_worker_settles_nothing(database: Database) -> None:
    register(database, 1)
    other = start(database)

    assert perform(database, process_registry.rescue_worker, "w1a", "killed") == []
    assert row(database, other.job_id)["state"] == "processing"


def test_jobs_of_workers_that_are_not_registered_are_settled_and_others_are_not(database: Database) -> None:
    register(database, 1)
    orphan = start(database)
    submit(database)
    known = claim_next(database, ClaimScope([TASK], "w1a"))
    assert known is not None

    rescued = perform(database, process_registry.rescue_unknown_workers, "no such worker")

    assert [each.job_id for each in rescued] == [orphan.job_id]
    assert row(database, orphan.job_id)["state"] == "queued"
    assert row(database, known.job_id)["state"] == "processing"


def test_the_ports_of_all_supervisors_that_hear_are_known(database: Database) -> None:
    register(database, 1, wake_port=4001)
    register(database, 2, wake_port=None)
    register(database, 3, THERE, wake_port=4003)

    assert sorted(perform(database, process_registry.wake_ports)) == [4001, 4003]


def test_running_jobs_are_counted(database: Database) -> None:
    start(database)
    submit(database)

    with database.read() as session:
        assert reading.count_running(session) == 1


def test_a_supervisor_watches_the_jobs_that_are_held(database: Database) -> None:
    held = start(database, timeout_seconds=7.0)
    submit(database)

    with database.glance() as connection:
        (watched,) = polling.held_jobs(connection)

    assert watched == polling.HeldJob(held.job_id, held.claim_no, "worker-1", 7.0, cancel_requested=False)


def test_ids_are_never_given_twice(database: Database) -> None:
    ids = {new_id() for _ in range(1000)}

    assert len(ids) == 1000
    assert rows(database, "SELECT * FROM asyncinweb_workers") == []

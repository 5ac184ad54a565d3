"""The check that ends every test of a process tree can fail: once for each thing that must never be."""

import invariants
import pytest
from queue_room import TASK, change, claim_next, perform, rows, submit

from asyncinweb.queue.claims import ClaimScope
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.transitions import finish


@pytest.fixture
def watched(database: Database) -> Database:
    """Job 1 has ended; 2 and 3 are being worked on."""
    perform(database, invariants.watch)
    for worker in ("worker-1", "worker-2", "worker-3"):
        submit(database)
        held = claim_next(database, ClaimScope([TASK], worker))
        assert held is not None
        if held.job_id == 1:
            perform(database, finish, held, '{"value": 1}')
    return database


def check(database: Database, is_stopped: bool = False) -> None:
    slugs = [f"job-{number}" for number in (1, 2, 3)]
    for number, slug in enumerate(slugs, 1):
        perform(
            database,
            invariants.change_unseen,
            "UPDATE asyncinweb_jobs SET slug = :slug WHERE id = :id",
            {"slug": slug, "id": number},
        )
    invariants.check(lambda sql: rows(database, sql), slugs, is_stopped)


def test_what_may_be_passes(watched: Database) -> None:
    check(watched)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("state = 'processing', worker_id = 'x', finished_at = NULL, result = NULL WHERE id = 1", "no arrow"),
        ("error = 'late' WHERE id = 1", "no arrow"),
        ("claim_no = claim_no + 1 WHERE id = 2", "no arrow"),
        ("worker_id = 'worker-2' WHERE id = 3", "holds two jobs"),
        ("interruptions = 6 WHERE id = 2", "interruptions"),
        ("attempts = 9 WHERE id = 2", "attempts"),
        ("result = '1' WHERE id = 2", "result"),
        ("result = NULL WHERE id = 1", "result"),
        ("""result = '{"file": "result-9.bin"}' WHERE id = 1""", "of another claim"),
    ],
)
def test_what_must_never_be_is_found(watched: Database, wrong: str, words: str) -> None:
    change(watched, f"UPDATE asyncinweb_jobs SET {wrong}")

    with pytest.raises(AssertionError, match=words):
        check(watched)


def test_a_lost_job_is_found(watched: Database) -> None:
    change(watched, "DELETE FROM asyncinweb_jobs WHERE id = 1")

    with pytest.raises(AssertionError, match="not there any more"):
        check(watched)


def test_a_job_that_a_stopped_server_still_holds_is_found(watched: Database) -> None:
    with pytest.raises(AssertionError, match="held by nobody"):
        check(watched, is_stopped=True)

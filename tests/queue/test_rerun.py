"""rerun: - -> queued, a new job with the task and arguments of an old one."""

import pytest
from queue_room import all_rows, claim_next, perform, row, start, submit

from asyncinweb.errors import QuotaReached
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.submitting import rerun
from asyncinweb.queue.transitions import fail_crashed, finish

POLICIES = {
    "arguments": '{"year": 2026}',
    "priority": 3,
    "max_attempts": 4,
    "timeout_seconds": 9.0,
    "on_crash": "fail",
    "keep_days": 2.0,
}


def test_a_rerun_is_a_new_job_that_names_its_parent_and_has_its_policies(database: Database) -> None:
    old = submit(database, owner="anna", unique_key="u", idempotency_key="k", **POLICIES)

    new = perform(database, rerun, old.slug, "ben")

    stored = row(database, new.id)
    assert new.id != old.id
    assert new.slug != old.slug
    assert (stored["rerun_of"], stored["owner"], stored["state"]) == (old.slug, "ben", "queued")
    assert {name: stored[name] for name in POLICIES} == POLICIES
    assert (stored["unique_key"], stored["idempotency_key"]) == (None, None)


def test_a_rerun_starts_from_nothing_and_leaves_the_old_job_as_it_is(database: Database) -> None:
    held = start(database)
    perform(database, fail_crashed, held, "killed")
    again = claim_next(database)
    assert again is not None
    perform(database, finish, again, "1")
    before = row(database, held.job_id)

    new = perform(database, rerun, held.slug, "")

    stored = row(database, new.id)
    assert [stored[name] for name in ("attempts", "crashes", "interruptions", "claim_no")] == [0, 0, 0, 0]
    assert (stored["result"], stored["error"]) == (None, None)
    assert row(database, held.job_id) == before


def test_an_unknown_job_cannot_be_run_again(database: Database) -> None:
    assert perform(database, rerun, "no-such-job", "anna") is None
    assert all_rows(database) == {}


def test_a_rerun_counts_for_the_quota_of_who_asks(database: Database) -> None:
    old = submit(database, owner="anna")

    with pytest.raises(QuotaReached):
        perform(database, rerun, old.slug, "anna", 1)
    new = perform(database, rerun, old.slug, "ben", 1)

    assert new.owner == "ben"
    assert len(all_rows(database)) == 2

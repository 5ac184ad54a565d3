"""The invariants of the bridge, asked of a database in SQL: of its rows, and of every change since `watch`."""

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Connection, text

from asyncinweb.states import ARROWS, FINAL

Rows = Callable[..., list[dict[str, Any]]]

MAX_INTERRUPTIONS, MAX_CRASHES = 5, 2

_WATCHING = (
    "CREATE TABLE IF NOT EXISTS seen_by_tests"
    " (id INTEGER PRIMARY KEY, slug TEXT, old TEXT, new TEXT, grown INTEGER, claim_no INTEGER)",
    "CREATE TRIGGER IF NOT EXISTS see_insert AFTER INSERT ON asyncinweb_jobs BEGIN"
    " INSERT INTO seen_by_tests (slug, old, new, grown, claim_no)"
    " VALUES (NEW.slug, NULL, NEW.state, NEW.claim_no, NEW.claim_no); END",
    "CREATE TRIGGER IF NOT EXISTS see_update AFTER UPDATE ON asyncinweb_jobs"
    " WHEN OLD.state <> NEW.state OR OLD.claim_no <> NEW.claim_no OR OLD.finished_at IS NOT NULL BEGIN"
    " INSERT INTO seen_by_tests (slug, old, new, grown, claim_no)"
    " VALUES (NEW.slug, OLD.state, NEW.state, NEW.claim_no - OLD.claim_no, NEW.claim_no); END",
)


def watch(connection: Connection) -> None:
    """From now on the database writes down what becomes of its jobs, whoever changes them."""
    for statement in _WATCHING:
        connection.execute(text(statement))


def change_unseen(connection: Connection, sql: str, values: dict[str, object]) -> None:
    """A change that the test makes behind the program's back, and that must not be held against it."""
    is_watched = connection.scalar(text("SELECT count(*) FROM sqlite_master WHERE name = 'seen_by_tests'"))
    last = connection.scalar(text("SELECT max(id) FROM seen_by_tests")) if is_watched else None
    connection.execute(text(sql), values)
    if is_watched:
        connection.execute(text("DELETE FROM seen_by_tests WHERE id > :last"), {"last": last or 0})


def check(rows: Rows, submitted: Iterable[str] = (), is_stopped: bool = False) -> None:
    """Fail for what must never be. `submitted`: jobs that were accepted and not pruned."""
    assert rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    jobs = {row["slug"]: row for row in rows("SELECT * FROM asyncinweb_jobs")}
    assert set(submitted) <= set(jobs), "an accepted job is not there any more"
    for row in jobs.values():
        _check_row(row)
    _check_claims(rows)
    if rows("SELECT 1 FROM sqlite_master WHERE name = 'seen_by_tests'"):
        _check_changes(rows)
    if is_stopped:
        orphans = "state = 'processing' AND worker_id NOT IN (SELECT id FROM asyncinweb_workers)"
        assert rows(f"SELECT slug FROM asyncinweb_jobs WHERE {orphans}") == [], "held by nobody"


def _check_row(row: dict[str, Any]) -> None:
    assert row["interruptions"] <= MAX_INTERRUPTIONS, row
    assert row["crashes"] <= MAX_CRASHES, row
    assert row["attempts"] <= row["max_attempts"] + row["crashes"], row
    assert row["claim_no"] >= row["attempts"], row
    assert (row["finished_at"] is not None) == (row["state"] in FINAL), row
    assert (row["worker_id"] is not None) == (row["state"] == "processing"), row
    assert (row["result"] is not None) == (row["state"] == "completed"), row
    assert row["partial_result"] is None or row["state"] != "completed", row


def _check_claims(rows: Rows) -> None:
    twice = rows(
        "SELECT worker_id FROM asyncinweb_jobs WHERE worker_id IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
    )
    assert twice == [], "a worker holds two jobs"
    foreign = (
        "SELECT slug, result FROM asyncinweb_jobs WHERE json_extract(result, '$.file') IS NOT NULL"
        " AND json_extract(result, '$.file') NOT LIKE 'result-' || claim_no || '.%'"
    )
    assert rows(foreign) == [], "a result of another claim was accepted"
    foreign = (
        "SELECT slug, partial_result FROM asyncinweb_jobs WHERE json_extract(partial_result, '$.file') IS NOT NULL"
        " AND json_extract(partial_result, '$.file') NOT LIKE 'result-' || claim_no || '-p%'"
    )
    assert rows(foreign) == [], "a partial result of another claim was accepted"
    again = "SELECT job_id FROM asyncinweb_attempts GROUP BY job_id, claim_no HAVING count(*) > 1"
    assert rows(again) == [], "one claim has ended twice"


def _check_changes(rows: Rows) -> None:
    seen = rows("SELECT old, new, grown, min(slug) AS slug FROM seen_by_tests GROUP BY old, new, grown")
    wrong = [change for change in seen if not _is_allowed(change)]
    assert wrong == [], "a change that is no arrow"
    ends = f"SELECT slug FROM seen_by_tests WHERE new IN {FINAL} GROUP BY slug HAVING count(*) > 1"
    assert rows(ends) == [], "a job has ended twice"
    claims = "SELECT slug FROM seen_by_tests WHERE new = 'processing' GROUP BY slug, claim_no HAVING count(*) > 1"
    assert rows(claims) == [], "one claim was given twice"


def _is_allowed(change: dict[str, Any]) -> bool:
    arrow = (change["old"], change["new"])
    return arrow in ARROWS and change["grown"] == (1 if arrow == ("queued", "processing") else 0)

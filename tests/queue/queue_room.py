"""What the tests of the queue do over and over: submit, claim, look at rows. All on a real database file."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from asyncinweb.queue.claims import Claim, ClaimScope
from asyncinweb.queue.models import Job
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.submitting import NewJob, enqueue
from asyncinweb.queue.transitions import claim

TASK = "report"
ANYTHING = ClaimScope([TASK], "worker-1")
PAST = datetime(2020, 1, 1, tzinfo=UTC)
AHEAD = datetime.now(UTC) + timedelta(days=1)


def perform(database: Database, verb: Callable[..., Any], *facts: Any) -> Any:
    """One verb in a transaction of its own."""
    with database.write() as connection:
        return verb(connection, *facts)


class RolledBack(Exception):
    """What a caller raises that changed its mind."""


def roll_back(database: Database, *verbs: Callable[[Any], Any]) -> None:
    """Verbs in one transaction that is not committed."""
    with suppress(RolledBack), database.write() as connection:
        for verb in verbs:
            verb(connection)
        raise RolledBack


def submit(database: Database, **facts: Any) -> Job:
    return perform(database, enqueue, new_job(**facts))[0]


def new_job(**facts: Any) -> NewJob:
    return NewJob(**{"task": TASK, "arguments": "{}", **facts})


def claim_next(database: Database, scope: ClaimScope = ANYTHING) -> Claim | None:
    return perform(database, claim, scope)


def start(database: Database, **facts: Any) -> Claim:
    """A job that is being worked on, as its worker holds it."""
    job = submit(database, **facts)
    held = claim_next(database)
    assert held is not None
    assert held.job_id == job.id
    return held


def claim_all(database: Database, scope: ClaimScope = ANYTHING) -> list[int]:
    """Ids of everything that can be claimed, in the order of the claims."""
    claims = []
    with database.write() as connection:
        while held := claim(connection, scope):
            claims.append(held.job_id)
    return claims


def row(database: Database, job_id: int) -> dict[str, Any]:
    """A job's row as SQLite has it."""
    return rows(database, "SELECT * FROM asyncinweb_jobs WHERE id = :id", id=job_id)[0]


def all_rows(database: Database) -> dict[int, dict[str, Any]]:
    return {each["id"]: each for each in rows(database, "SELECT * FROM asyncinweb_jobs")}


def attempts_rows(database: Database, job_id: int) -> list[dict[str, Any]]:
    return rows(database, "SELECT * FROM asyncinweb_attempts WHERE job_id = :id ORDER BY id", id=job_id)


def rows(database: Database, sql: str, **values: Any) -> list[dict[str, Any]]:
    with database.read() as session:
        return [dict(each._mapping) for each in session.execute(text(sql), values)]


def change(database: Database, sql: str, **values: Any) -> None:
    """Move a row's time, as nobody else can."""
    with database.write() as connection:
        connection.execute(text(sql), values)


def make_due(database: Database, job_id: int) -> None:
    change(database, "UPDATE asyncinweb_jobs SET run_at = 1.0 WHERE id = :id", id=job_id)

"""The database file itself: pragmas, the write-ahead log, where it may be, plans of the statements, damage."""

import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from queue_room import ANYTHING, change, claim_next, new_job, perform, roll_back, rows, start, submit
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from asyncinweb import clock
from asyncinweb.errors import DatabaseBusy, DatabaseDamaged, DatabaseUnusable, SchemaTooNew
from asyncinweb.queue import estimates, polling, process_registry, ranks, reading, snapshot, transitions
from asyncinweb.queue.claims import ClaimScope
from asyncinweb.queue.listing import Filters, list_jobs
from asyncinweb.queue.removal import prune
from asyncinweb.queue.schema import ensure_schema
from asyncinweb.queue.stores.file_system import refuse_network_file_system
from asyncinweb.queue.stores.sqlite import WEB, WORKER, Database, Durability, Patience
from asyncinweb.queue.stores.wal import WAL_LIMIT
from asyncinweb.queue.stores.write_lock import write_lock
from asyncinweb.queue.submitting import enqueue
from asyncinweb.queue.transitions import cancel, finish_and_claim
from asyncinweb.tasks.outcome import Completed

FINISHED = 20_000


# --- connections ------------------------------------------------------------------------------------------------

FULL, NORMAL = 2, 1
MEMORY = 2


def pragmas(connection: Connection) -> dict[str, object]:
    names = (
        "busy_timeout",
        "journal_mode",
        "wal_autocheckpoint",
        "synchronous",
        "foreign_keys",
        "journal_size_limit",
        "cache_size",
        "mmap_size",
        "temp_store",
        "trusted_schema",
        "query_only",
    )
    return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}


def expected_pragmas(**different: object) -> dict[str, object]:
    return {
        "busy_timeout": 15_000,
        "journal_mode": "wal",
        "wal_autocheckpoint": 0,
        "synchronous": FULL,
        "foreign_keys": 1,
        "journal_size_limit": WAL_LIMIT,
        "cache_size": -8000,
        "mmap_size": 0,
        "temp_store": MEMORY,
        "trusted_schema": 0,
        "query_only": 0,
    } | different


@pytest.mark.parametrize(
    ("durability", "patience", "different"),
    [
        ("full", WORKER, {}),
        ("normal", WORKER, {"synchronous": NORMAL}),
        ("full", WEB, {"busy_timeout": 5_000}),
    ],
)
def test_the_writing_connection_has_the_pragmas_of_the_bridge(
    database_file: Path, durability: Durability, patience: Patience, different: dict[str, object]
) -> None:
    database = Database(database_file, durability, patience)

    with database.write() as connection:
        found = pragmas(connection)

    database.close()
    assert found == expected_pragmas(**different)


def test_every_reading_connection_has_the_pragmas_of_the_bridge_and_cannot_write(database: Database) -> None:
    with database.read() as first, database.read() as second:
        found = [pragmas(session.connection()) for session in (first, second)]

    assert found == [expected_pragmas(query_only=1)] * 2


def test_a_reader_cannot_write(database: Database) -> None:
    job = submit(database)

    with pytest.raises(DatabaseUnusable, match="readonly"), database.read() as session:
        session.execute(text("DELETE FROM asyncinweb_jobs"))

    assert [each["id"] for each in rows(database, "SELECT id FROM asyncinweb_jobs")] == [job.id]


def test_writing_starts_with_begin_immediate_and_reading_with_begin(database: Database) -> None:
    with statements_of(database) as written:
        submit(database)
    read: list[str] = []
    with database.read() as session:
        driver_connection(session.connection()).set_trace_callback(read.append)
        session.rollback()
        session.scalar(text("SELECT count(*) FROM asyncinweb_jobs"))
        driver_connection(session.connection()).set_trace_callback(None)

    assert (written[0], written[-1]) == ("BEGIN IMMEDIATE", "COMMIT")
    assert "BEGIN" in read
    assert "BEGIN IMMEDIATE" not in read


def driver_connection(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


@contextmanager
def statements_of(database: Database) -> Iterator[list[str]]:
    """Everything the writing connection says to SQLite meanwhile."""
    heard: list[str] = []
    with database.write() as connection:
        driver = driver_connection(connection)
    driver.set_trace_callback(heard.append)
    yield heard
    driver.set_trace_callback(None)


# --- what a job costs -------------------------------------------------------------------------------------------


def test_finishing_a_job_and_taking_the_next_is_one_commit_and_four_statements(database: Database) -> None:
    held = start(database)
    submit(database)

    with statements_of(database) as said:
        perform(database, finish_and_claim, held, Completed("1"), ANYTHING)

    assert [sentence.split()[0] for sentence in said] == [
        "BEGIN",
        "UPDATE",  # finish
        "SELECT",  # what has fallen due
        "SELECT",  # the next in line
        "UPDATE",  # claim
        "COMMIT",
    ]


def test_enqueueing_a_job_is_one_commit_and_three_statements(database: Database) -> None:
    submit(database)

    with statements_of(database) as said:
        submit(database)

    assert [sentence.split()[0] for sentence in said] == ["BEGIN", "SELECT", "SELECT", "INSERT", "COMMIT"]


# --- the write-ahead log ----------------------------------------------------------------------------------------


def size(path: Path, suffix: str = "") -> int:
    """By os.stat, which opens nothing."""
    return path.with_name(path.name + suffix).stat().st_size


def write_much(database: Database, commits: int) -> int:
    """That many commits; the largest size the write-ahead log had after one."""
    largest = 0
    for _ in range(commits):
        submit(database, arguments='"' + "x" * 3_000 + '"')
        largest = max(largest, size(database.path, "-wal"))
    return largest


def test_the_write_ahead_log_stays_bounded_under_thousands_of_commits(database: Database) -> None:
    largest = write_much(database, 2_000)

    assert WAL_LIMIT < largest < WAL_LIMIT + 1_000_000
    assert size(database.path) > WAL_LIMIT


def test_nothing_is_checkpointed_while_the_log_is_small(database: Database) -> None:
    before = size(database.path)

    write_much(database, 5)

    assert size(database.path) == before
    assert size(database.path, "-wal") > 0


def test_a_checkpoint_runs_while_the_write_lock_is_held(database: Database) -> None:
    lock = write_lock(database.path.with_name(database.path.name + ".lock"))
    was_held: list[bool] = []

    def try_the_lock() -> None:
        try:
            with lock.held(0.0):
                was_held.append(False)
        except DatabaseBusy:
            was_held.append(True)

    def look(sentence: str) -> None:
        if "wal_checkpoint" in sentence:
            other = threading.Thread(target=try_the_lock)
            other.start()
            other.join()

    with database.write() as connection:
        driver = driver_connection(connection)
    driver.set_trace_callback(look)
    write_much(database, 400)
    driver.set_trace_callback(None)

    assert was_held
    assert all(was_held)


def test_a_long_reader_lets_the_log_grow_and_it_is_cut_back_afterwards(database: Database) -> None:
    submit(database)
    with database.read() as session:
        session.scalar(text("SELECT count(*) FROM asyncinweb_jobs"))
        while_reading = write_much(database, 400)

    write_much(database, 20)

    assert while_reading > WAL_LIMIT + 1_000_000
    assert size(database.path, "-wal") <= WAL_LIMIT + 1_000_000


# --- the file ---------------------------------------------------------------------------------------------------


def test_nobody_else_on_this_computer_may_read_the_files(tmp_path: Path) -> None:
    old_mask = os.umask(0)
    try:
        database = Database(tmp_path / "new.db")
        ensure_schema(database)
        submit(database)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        database.close()
    finally:
        os.umask(old_mask)

    assert modes == dict.fromkeys(["new.db", "new.db-wal", "new.db-shm", "new.db.lock"], 0o600)


@pytest.mark.parametrize("name", ["a b.db", "ü?x=1#y%20.db", "file:jobs.db"])
def test_a_path_may_have_any_characters(tmp_path: Path, name: str) -> None:
    database = Database(tmp_path / name)
    ensure_schema(database)

    submit(database)
    database.close()

    assert (tmp_path / name).is_file()


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match=r"missing/jobs\.db"):
        Database(tmp_path / "missing" / "jobs.db")


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "jobs.db").mkdir()
    database = Database(tmp_path / "jobs.db")

    with pytest.raises(DatabaseUnusable, match="unable to open"):
        ensure_schema(database)


MOUNTINFO = r"""22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
30 22 0:26 / /mnt/share rw,relatime shared:9 - nfs4 server:/jobs rw,vers=4.2
31 30 254:2 / /mnt/share/local rw - xfs /dev/vdb rw
32 22 0:27 / /mnt/with\040space rw - fuse.sshfs me@server:/ rw
33 22 0:28 / /mnt/windows rw shared:3 master:1 - cifs //server/jobs rw
"""


@pytest.fixture
def mountinfo(tmp_path: Path) -> Path:
    path = tmp_path / "mountinfo"
    path.write_text(MOUNTINFO)
    return path


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/mnt/share/jobs.db", "nfs4"),
        ("/mnt/share/deep/er/jobs.db", "nfs4"),
        ("/mnt/with space/jobs.db", "fuse.sshfs"),
        ("/mnt/windows/jobs.db", "cifs"),
    ],
)
def test_a_network_file_system_is_refused_by_name(mountinfo: Path, path: str, kind: str) -> None:
    with pytest.raises(DatabaseUnusable, match=f"network file system.*{kind}"):
        refuse_network_file_system(Path(path), mountinfo)


@pytest.mark.parametrize(
    "path", ["/srv/jobs.db", "/mnt/share/local/jobs.db", "/mnt/shared/jobs.db", "/mnt/with/jobs.db"]
)
def test_a_local_file_system_is_accepted_also_beside_or_below_a_network_one(mountinfo: Path, path: str) -> None:
    assert refuse_network_file_system(Path(path), mountinfo) is None


def test_a_system_without_mountinfo_is_accepted(tmp_path: Path) -> None:
    assert refuse_network_file_system(Path("/srv/jobs.db"), tmp_path / "no-such-file") is None


# --- damage -----------------------------------------------------------------------------------------------------


def test_a_file_that_is_no_database_is_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "jobs.db").write_bytes(b"this is a text and not a database\n" * 300)
    database = Database(tmp_path / "jobs.db")

    with pytest.raises(DatabaseDamaged, match=r"jobs\.db is damaged.*backup") as found:
        ensure_schema(database)

    assert found.value.exit_code == 3


def test_a_database_with_overwritten_pages_is_called_damaged(database_file: Path) -> None:
    data = bytearray(database_file.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    database_file.write_bytes(data)
    database = Database(database_file)

    with pytest.raises(DatabaseDamaged, match="is damaged"):
        submit(database)

    database.close()


def test_a_database_of_a_newer_version_is_left_alone(database: Database) -> None:
    change(database, "UPDATE asyncinweb_version SET version_num = '9999'")

    with pytest.raises(SchemaTooNew, match=r"newer version of asyncinweb \(schema '9999'") as found:
        ensure_schema(database)

    assert found.value.exit_code == 5
    assert rows(database, "SELECT version_num FROM asyncinweb_version") == [{"version_num": "9999"}]


# --- plans ------------------------------------------------------------------------------------------------------


@contextmanager
def explained(engine: Engine) -> Iterator[list[str]]:
    """Run each statement of this engine as it is, and note the plan SQLite has for it."""
    plans: list[str] = []

    def explain(connection: Connection, cursor: Any, sql: str, parameters: Any, *_: object) -> None:
        if not sql.startswith("EXPLAIN"):
            plan_cursor = connection.connection.cursor()
            plans.extend(line[3] for line in plan_cursor.execute(f"EXPLAIN QUERY PLAN {sql}", parameters))

    event.listen(engine, "before_cursor_execute", explain)
    yield plans
    event.remove(engine, "before_cursor_execute", explain)


class ExplainingConnection:
    """Stands in for a connection where a `Prepared` wants a cursor, and answers with the plan."""

    def __init__(self, connection: Connection) -> None:
        self.dialect = connection.dialect
        self.connection = self
        self._real = connection

    def cursor(self) -> "ExplainingConnection":
        return self

    def execute(self, sql: str, parameters: Any) -> None:
        self._lines = self._real.connection.cursor().execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()

    def fetchall(self) -> list[Any]:
        return self._lines


def plan_of(database: Database, prepared: Any, **values: object) -> list[str]:
    with database.write() as connection:
        return [line[3] for line in prepared.rows(ExplainingConnection(connection), **values)]


def fill(database: Database) -> None:
    """Twenty thousand finished jobs, hundreds that wait, a few that run."""
    with database.write() as connection:
        for _ in range(300):
            enqueue(connection, new_job(owner="anna"))
    change(
        database,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :many) "
        "INSERT INTO asyncinweb_jobs (slug, task, arguments, owner, state, priority, created_at, started_at, "
        "finished_at, attempts, max_attempts, crashes, interruptions, claim_no, on_crash, expires_at) "
        "SELECT 'slug-' || i, 'report', '{}', 'owner-' || (i % 50), 'completed', 0, i, i, i, 1, 1, 0, 0, 1, "
        "'rerun', CASE WHEN i % 3 = 0 THEN 9e9 END FROM n",
        many=FINISHED,
    )
    for _ in range(4):
        claim_next(database)


@pytest.fixture(scope="module", params=["empty", "full", "full and analysed"])
def any_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(tmp_path_factory.mktemp("plans") / "asyncinweb.db", durability="normal")
    ensure_schema(database)
    if request.param != "empty":
        fill(database)
    if request.param == "full and analysed":
        change(database, "ANALYZE")
        database.close()
        database = Database(database.path, durability="normal")
    yield database
    database.close()


CLAIMINGS = {
    "one task": ClaimScope(["report"], "w"),
    "many tasks": ClaimScope([f"task{number}" for number in range(30)], "w"),
    "limited": ClaimScope(["report"], "w", concurrency={"report": 2}, max_running_per_owner=3),
}


@pytest.mark.parametrize("scope", CLAIMINGS.values(), ids=CLAIMINGS.keys())
def test_a_claim_looks_along_the_index_made_for_it_and_sorts_nothing(
    any_database: Database, scope: ClaimScope
) -> None:
    plan = plan_of(any_database, scope.next)

    assert plan[0] == "SEARCH asyncinweb_jobs USING INDEX asyncinweb_jobs_claim (state=?)"
    assert not [line for line in plan if "SCAN" in line or ("TEMP B-TREE" in line and "ORDER BY" in line)]
    assert [line for line in plan[1:] if "SEARCH" in line and "(state=?" not in line] == []


PREPARED = {
    "claim": (transitions._START, "USING INTEGER PRIMARY KEY (rowid=?)", {"job_id": 1, "old_claim_no": 0}),
    "due": (transitions._DUE, "INDEX asyncinweb_jobs_due (state=? AND run_at<?)", {}),
    "promote_due": (transitions._PROMOTE, "USING INTEGER PRIMARY KEY (rowid=?)", {"job_id": 1}),
    "report": (transitions._REPORT, "USING INTEGER PRIMARY KEY (rowid=?)", {"job_id": 1, "mine": 1}),
    "finish": (transitions._FINISH, "USING INTEGER PRIMARY KEY (rowid=?)", {"job_id": 1, "mine": 1}),
    "live claim": (polling._LIVE_CLAIM, "USING INTEGER PRIMARY KEY (rowid=?)", {"job_id": 1, "mine": 1}),
    "held jobs": (polling._HELD, "USING INDEX asyncinweb_jobs_state (state=?)", {}),
    "anything due": (polling._DUE, "INDEX asyncinweb_jobs_due (state=? AND run_at<?)", {}),
    "a peek": (reading._PEEK, "INDEX asyncinweb_jobs_slug (slug=?)", {"slug": "slug-5"}),
    "what is usual": (estimates._RECENT, "INDEX asyncinweb_jobs_task (task=?)", {"task": "report"}),
    "the queue": (snapshot._QUEUED, "USING COVERING INDEX asyncinweb_jobs_claim (state=?)", {}),
    "fallen due": (snapshot._DUE, "INDEX asyncinweb_jobs_due (state=? AND run_at<?)", {}),
    "what runs": (snapshot._RUNNING, "INDEX asyncinweb_jobs_state (state=?)", {}),
    "rank now served": (ranks._HEAD, "INDEX asyncinweb_jobs_claim (state=? AND priority=?)", {"priority": 0}),
    "rank of a new job": (
        ranks._LAST_OF_OWNER,
        "USING INDEX asyncinweb_jobs_waiting_of_owner (owner=? AND priority=?)",
        {"priority": 0, "owner": "anna"},
    ),
}


@pytest.mark.parametrize(("prepared", "expected", "values"), PREPARED.values(), ids=PREPARED.keys())
def test_each_statement_of_the_hot_path_uses_its_index(
    any_database: Database, prepared: Any, expected: str, values: dict[str, object]
) -> None:
    plan = plan_of(any_database, prepared, now=clock.now(), **values)

    assert len(plan) == 1, plan
    assert plan[0].startswith("SEARCH asyncinweb_jobs ")
    assert expected in plan[0]


QUESTIONS: dict[str, tuple[Callable[[Session], Any], str]] = {
    "a job": (lambda session: reading.find_job(session, "slug-5"), "INDEX asyncinweb_jobs_slug (slug=?)"),
    "running": (reading.count_running, "INDEX asyncinweb_jobs_state (state=?)"),
    "newest": (lambda session: list_jobs(session, Filters()), "asyncinweb_jobs"),
    "older": (
        lambda session: list_jobs(session, Filters(), after="slug-500"),
        "PRIMARY KEY (rowid<?)",
    ),
    "of a state": (
        lambda session: list_jobs(session, Filters(state="failed")),
        "INDEX asyncinweb_jobs_state (state=?)",
    ),
    "of a state, older": (
        lambda session: list_jobs(session, Filters(state="completed"), after="slug-500"),
        "INDEX asyncinweb_jobs_state (state=? AND id<?)",
    ),
    "of a task": (
        lambda session: list_jobs(session, Filters(task="report")),
        "INDEX asyncinweb_jobs_task (task=?)",
    ),
    "of an owner, older": (
        lambda session: list_jobs(session, Filters(owner="owner-3"), after="slug-500"),
        "INDEX asyncinweb_jobs_owner (owner=? AND id<?)",
    ),
}


@pytest.mark.parametrize(("question", "expected"), QUESTIONS.values(), ids=QUESTIONS.keys())
def test_each_question_of_a_page_uses_an_index_and_sorts_nothing(
    any_database: Database, question: Callable[[Session], Any], expected: str
) -> None:
    with explained(any_database._reader) as plan, any_database.read() as session:
        question(session)

    assert [line for line in plan if expected in line], plan
    assert not [line for line in plan if "TEMP B-TREE" in line], plan


def test_the_verbs_off_the_hot_path_scan_nothing(any_database: Database) -> None:
    with explained(any_database._writer) as plan:
        roll_back(
            any_database,
            lambda connection: cancel(connection, "slug-5"),
            lambda connection: prune(connection, 1.0),
            lambda connection: process_registry.claims_of(connection, "w"),
            lambda connection: enqueue(connection, new_job(unique_key="u", idempotency_key="i"), 10),
        )

    assert len(plan) > 6
    assert [line for line in plan if "SCAN asyncinweb" in line] == [], plan
    for index in ("slug", "expiry", "finished", "state", "unique_key", "idempotency_key", "waiting_of_owner"):
        assert [line for line in plan if f"INDEX asyncinweb_jobs_{index} " in line], index


def test_an_error_of_sqlalchemy_keeps_its_cause(database: Database) -> None:
    with pytest.raises(DatabaseUnusable, match="no such table") as found, database.write() as connection:
        connection.execute(text("SELECT * FROM no_such_table"))

    assert isinstance(found.value.__cause__, DBAPIError)

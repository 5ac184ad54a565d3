"""The migrations and the models say the same, and no moment of a migration is a bad one to be killed in."""

import multiprocessing
import random
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from asyncinweb.queue.columns import Base
from asyncinweb.queue.migrate import alembic_config
from asyncinweb.queue.schema import HEAD, REVISIONS, VERSION_TABLE, current_revision, ensure_schema
from asyncinweb.queue.stores.sqlite import Database

SPAWN = multiprocessing.get_context("spawn")
ROUNDS = 10


@pytest.fixture
def migrated(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "migrated.db")
    ensure_schema(database)
    yield database
    database.close()


def definitions(path: Path, kind: str) -> dict[str, str]:
    """The SQL of each table or index, with spaces made equal."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = ? AND sql IS NOT NULL AND name <> ?",
            (kind, VERSION_TABLE),
        )
        return {name: " ".join(sql.split()) for name, sql in found}


def test_alembic_sees_no_difference_between_the_migrations_and_the_models(migrated: Database) -> None:
    with migrated.write() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True}
        )
        differences = compare_metadata(context, Base.metadata)

    assert differences == []


@pytest.mark.parametrize("kind", ["table", "index"])
def test_each_table_and_index_is_the_same_made_by_the_models_or_by_the_migrations(
    migrated: Database, tmp_path: Path, kind: str
) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'created.db'}")
    Base.metadata.create_all(engine)
    engine.dispose()

    by_models = definitions(tmp_path / "created.db", kind)
    by_migrations = definitions(migrated.path, kind)

    assert by_models.keys() == by_migrations.keys()
    assert {name: in_any_order(sql) for name, sql in by_models.items()} == {
        name: in_any_order(sql) for name, sql in by_migrations.items()
    }


def in_any_order(sql: str) -> list[str]:
    """A table's clauses sorted: SQLite adds a column behind all others. An index as it is."""
    before, _, clauses = sql.partition("(")
    if not before.startswith("CREATE TABLE"):
        return [sql]
    return [
        before,
        *sorted(clause.strip(" )") for clause in re.split(r", (?=CONSTRAINT |[a-z_]+ [A-Z])", clauses)),
    ]


def test_the_revisions_are_those_of_the_files_in_their_order() -> None:
    script = ScriptDirectory.from_config(alembic_config())

    in_files = [each.revision for each in script.walk_revisions()][::-1]

    assert list(REVISIONS) == in_files
    assert script.get_heads() == [HEAD]


def test_an_upgraded_database_is_left_alone(migrated: Database) -> None:
    before = definitions(migrated.path, "table")

    ensure_schema(migrated)

    assert current_revision(migrated) == HEAD
    assert definitions(migrated.path, "table") == before


def make_schema(path: Path) -> None:
    database = Database(path)
    ensure_schema(database)
    database.close()


def make_schema_at_once(path: Path, barrier: object) -> None:
    barrier.wait(60)
    make_schema(path)


def is_sound(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def kill_migrations(pipe: Connection, folder: Path) -> None:
    """Start migrations of new databases, kill each at another moment, and tell how each process ended.

    In a process of its own that has imported everything and opened nothing, so that its children can be forked
    and begin to migrate at once.
    """
    pauses, usual_seconds = random.Random(1), pipe.recv()
    for number in range(ROUNDS):
        child = multiprocessing.get_context("fork").Process(target=make_schema, args=(folder / f"{number}.db",))
        child.start()
        child.join(pauses.uniform(0.0, usual_seconds))
        child.kill()
        child.join(60)
        pipe.send(child.exitcode)


def test_a_process_killed_while_it_migrates_leaves_a_database_that_can_be_migrated(tmp_path: Path) -> None:
    make_schema(tmp_path / "first.db")
    begin = time.monotonic()
    make_schema(tmp_path / "whole.db")
    usual_seconds = time.monotonic() - begin
    pipe, other_end = SPAWN.Pipe()
    killer = SPAWN.Process(target=kill_migrations, args=(other_end, tmp_path))
    killer.start()
    pipe.send(usual_seconds)

    exit_codes = [pipe.recv() for _ in range(ROUNDS)]
    killer.join(60)

    assert -9 in exit_codes
    assert set(exit_codes) <= {-9, 0}
    for number in range(ROUNDS):
        path = tmp_path / f"{number}.db"
        make_schema(path)
        assert is_sound(path)
        assert definitions(path, "index") == definitions(tmp_path / "whole.db", "index")


def test_two_processes_that_migrate_a_new_database_at_once_both_succeed(tmp_path: Path) -> None:
    path, barrier = tmp_path / "new.db", SPAWN.Barrier(2)
    children = [SPAWN.Process(target=make_schema_at_once, args=(path, barrier)) for _ in range(2)]
    for child in children:
        child.start()

    for child in children:
        child.join(60)

    assert [child.exitcode for child in children] == [0, 0]
    assert is_sound(path)
    database = Database(path)
    assert current_revision(database) == HEAD
    database.close()

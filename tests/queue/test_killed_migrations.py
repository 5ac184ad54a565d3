"""A migration is there as a whole or not at all, wherever it is killed."""

import sqlite3
from pathlib import Path

import pytest
from processes import Child, children, migrate_and_die
from queue_room import submit

from asyncinweb.queue.schema import HEAD, REVISIONS, current_revision, ensure_schema
from asyncinweb.queue.stores.sqlite import Database

POINTS = 20


@pytest.mark.parametrize("start", [None, *REVISIONS[:-1]])
def test_a_migration_killed_at_any_point_leaves_the_database_for_the_next_start(
    tmp_path: Path, start: str | None
) -> None:
    with children(Child(migrate_and_die, tmp_path, start, POINTS)) as (killed,):
        deaths = killed.hear()

    assert [signal for _, signal in deaths] == [9] * POINTS
    for path, _ in deaths:
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()
        database = Database(path, durability="normal")
        assert current_revision(database) == start
        ensure_schema(database)
        assert current_revision(database) == HEAD
        assert submit(database).state == "queued"
        database.close()

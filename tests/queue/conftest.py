"""A database file for each test: a copy of one empty database, since making the tables takes longer."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from asyncinweb.queue.stores.sqlite import Database


@pytest.fixture
def database_file(tmp_path: Path, empty_database_file: Path) -> Path:
    return Path(shutil.copy(empty_database_file, tmp_path / "asyncinweb.db"))


@pytest.fixture
def database(database_file: Path) -> Iterator[Database]:
    database = Database(database_file, durability="normal")
    yield database
    database.close()

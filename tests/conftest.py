"""What all tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from asyncinweb.queue.schema import ensure_schema
from asyncinweb.queue.stores.sqlite import Database

# No test asserts a time: a busy machine may take long.
settings.register_profile("asyncinweb", deadline=None)
settings.load_profile("asyncinweb")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Let every report travel between test processes: what a test has logged may hold characters that UTF-8 has
    no bytes for."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.fixture(scope="session")
def empty_database_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For tests to copy: making the tables takes longer."""
    database = Database(tmp_path_factory.mktemp("empty") / "asyncinweb.db")
    ensure_schema(database)
    database.close()
    return database.path

"""Bringing the database to this version's schema, once, under the write lock, before anything uses it."""

import importlib
from typing import Any

from sqlalchemy import text

from asyncinweb.errors import SchemaTooNew
from asyncinweb.queue.files.instance import make_database_file
from asyncinweb.queue.stores.sqlite import Database

VERSION_TABLE = "asyncinweb_version"
# All steps in order, the newest last; a test compares them with the files in migrations/versions.
REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006")
HEAD = REVISIONS[-1]


def current_revision(database: Database) -> str | None:
    """The revision of the database; None for an empty one."""
    with database.read() as session:
        is_there = session.scalar(
            text("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = :name"),
            {"name": VERSION_TABLE},
        )
        return session.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}")) if is_there else None


def ensure_schema(database: Database) -> None:
    """Create or upgrade the tables if needed. SchemaTooNew if a newer program has written this database."""
    make_database_file(database.path)
    revision = current_revision(database)
    if revision == HEAD:
        return
    refuse_newer(database)
    # Imported by name, and only here: Alembic takes 0.2 s and 10 MB in every process that loads it, and is
    # needed once per version.
    migrate: Any = importlib.import_module("asyncinweb.queue.migrate")
    migrate.upgrade(database)


def refuse_newer(database: Database) -> None:
    """Raise SchemaTooNew if a newer program has written this database."""
    revision = current_revision(database)
    if revision is not None and revision not in REVISIONS:
        raise SchemaTooNew(
            f"The database {database.path} was written by a newer version of asyncinweb (schema {revision!r}; "
            f"this version knows {HEAD!r}). Install the newer version again, or use another folder: --instance DIR"
        )

"""Alembic's entry point: runs the steps on the connection that `migrate.upgrade` has put into the attributes."""

from alembic import context

from asyncinweb.queue.columns import Base
from asyncinweb.queue.schema import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
context.run_migrations()

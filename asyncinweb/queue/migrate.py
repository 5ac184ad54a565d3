"""Running Alembic's steps in one transaction. Imported only when there is a step to run."""

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config

from asyncinweb.queue.stores.sqlite import Database

MIGRATIONS = Path(__file__).with_name("migrations")
log = logging.getLogger(__name__)


def alembic_config() -> Config:
    """Alembic's settings without a file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(database: Database) -> None:
    """Run all missing steps. A process killed in the middle leaves the database as it was."""
    config = alembic_config()
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

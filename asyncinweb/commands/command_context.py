"""What the commands share: the installation they work on, the options that name it, printing JSON."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from asyncinweb.configuration import read_settings
from asyncinweb.errors import AsyncInWebError
from asyncinweb.logs import harmless
from asyncinweb.queue.client import Client, open_database
from asyncinweb.queue.files.folder_lock import is_in_use
from asyncinweb.queue.files.instance import make_instance
from asyncinweb.queue.stores.sqlite import WEB, Database
from asyncinweb.settings import Settings
from asyncinweb.tasks.clean_values import json_text

Command = TypeVar("Command", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class CommandContext:
    """The settings of one command, and the database they name."""

    def __init__(self, instance: Path | None, tasks: tuple[str, ...] = ()) -> None:
        self.configuration = read_settings({"instance": instance, "tasks": tasks or None})
        self.settings: Settings = self.configuration.settings

    def database(self) -> Database:
        """The database, upgraded to this version; created if there is none."""
        make_instance(self.settings.instance)
        return open_database(self.settings, WEB)

    def known_database(self) -> Database:
        """The database, upgraded to this version. In a wrong folder, none is created."""
        if not is_in_use(self.settings.instance):
            self._refuse_none()
        return self.database()

    def existing_database(self) -> Database:
        """The database as it is: neither created nor upgraded."""
        self._refuse_none()
        return Database(self.settings.database_path, self.settings.durability, WEB)

    def client(self, database: Database) -> Client:
        return Client(database, self.settings.max_queued_per_owner, self.settings.instance)

    def _refuse_none(self) -> None:
        path = self.settings.database_path
        if not path.is_file():
            raise AsyncInWebError(f"There is no database {path}. To use another folder: --instance DIR")


def in_instance(command: Command) -> Command:
    """The option for the instance folder."""
    return click.option(
        "--instance", type=click.Path(path_type=Path), metavar="DIR", help="Folder for the database and job files."
    )(command)


def with_tasks(command: Command) -> Command:
    """The option for modules and files with tasks."""
    return click.option(
        "--tasks", multiple=True, metavar="MODULE_OR_FILE", help="Module or .py file with tasks. Can be repeated."
    )(command)


def print_json(value: object) -> None:
    click.echo(harmless(json_text(value, ensure_ascii=False, indent=2), keep="\n"))

"""The commands: `python run.py`, `asyncinweb …`, `python -m asyncinweb …`."""

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TextIO, TypeVar

import click

from asyncinweb.configuration import read_settings
from asyncinweb.errors import AsyncInWebError, nearest
from asyncinweb.serve import Roles, run

Command = TypeVar("Command", bound=Callable[..., Any])


class Commands(click.Group):
    """Loads the other commands only when needed, so that the server starts quickly."""

    def list_commands(self, context: click.Context) -> list[str]:
        return [*super().list_commands(context), *HOMES]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in HOMES:
            return super().get_command(context, name)
        home = importlib.import_module(f"asyncinweb.commands.{HOMES[name]}")
        command: click.Command = getattr(home, f"{name}_command")
        return command

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = arguments[0]
        if not name.startswith("-") and self.get_command(context, name) is None:
            context.fail(f"No such command {name!r}.{nearest(name, self.list_commands(context))}")
        return super().resolve_command(context, arguments)


# The module of each command.
HOMES = {
    **dict.fromkeys(("submit", "jobs", "show", "log", "cancel", "rerun"), "jobs"),
    "tasks": "tasks",
    **dict.fromkeys(("prune", "backup", "restore", "check", "config"), "store"),
}


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="asyncinweb", message="%(prog)s %(version)s")
def cli() -> None:
    """Slow Python behind fast web pages."""


def _options(*names: str) -> Callable[[Command], Command]:
    """The settings that a command takes as options."""

    def add(command: Command) -> Command:
        for name in reversed(names):
            command = OPTIONS[name](command)
        return command

    return add


OPTIONS = {
    "host": click.option("--host", help="Address to listen on (default: 127.0.0.1)."),
    "port": click.option("--port", help="Port to listen on (default: 8000). 0 picks a free one."),
    "workers": click.option("--workers", metavar="N", help="Number of worker processes (default: one per CPU)."),
    "tasks": click.option(
        "--tasks", multiple=True, metavar="MODULE_OR_FILE", help="Module or .py file with tasks. Can be repeated."
    ),
    "instance": click.option(
        "--instance", type=click.Path(path_type=Path), metavar="DIR", help="Folder for the database and job files."
    ),
    "insecure_no_auth": click.option(
        "--insecure-no-auth",
        is_flag=True,
        default=None,
        help="Serve the network without sign-in: anyone there can do anything.",
    ),
    "open_browser": click.option("--open", "open_browser", is_flag=True, help="Open the home page in a browser."),
}


def _serve(roles: Roles, open_browser: bool = False, **options: Any) -> None:
    options["tasks"] = options.get("tasks") or None
    run(read_settings(options).settings, roles, click.echo, open_browser=open_browser)


@cli.command("run")
@_options("host", "port", "workers", "tasks", "instance", "insecure_no_auth", "open_browser")
def run_command(**options: Any) -> None:
    """Start the web server and the workers."""
    _serve(Roles(), **options)


@cli.command("web")
@_options("host", "port", "tasks", "instance", "insecure_no_auth", "open_browser")
def web_command(**options: Any) -> None:
    """Start only the web server."""
    _serve(Roles(workers=False), **options)


@cli.command("worker")
@_options("workers", "tasks", "instance")
def worker_command(**options: Any) -> None:
    """Start only the workers."""
    _serve(Roles(web=False), **options)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the process with its exit code; errors in one line, without a traceback."""
    try:
        # In this mode, click returns the code of an Exit instead of exiting.
        exit_code = cli.main(arguments, prog_name="asyncinweb", standalone_mode=False)
    except click.ClickException as error:
        _end(error.exit_code, error.show)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except AsyncInWebError as error:
        _end(error.exit_code, partial(click.echo, f"asyncinweb: {error}", err=True))
    except OSError as error:
        # Errors of files name the file; what remains is an output that takes no more, such as a full disk.
        if error.filename is not None:
            raise
        _end(2, partial(click.echo, f"asyncinweb: The output cannot be written: {error.strerror}.", err=True))
    if exit_code:
        sys.exit(exit_code)


def _end(exit_code: int, explain: Callable[[], None]) -> NoReturn:
    """Explain why, as far as anyone can read it, and exit."""
    with suppress(OSError):
        explain()
    for stream in (sys.stdout, sys.stderr):
        _forget_unwritten(stream)
    sys.exit(exit_code)


def _forget_unwritten(stream: TextIO) -> None:
    """At exit, Python would flush what the stream still holds again, and report the failure with a traceback."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

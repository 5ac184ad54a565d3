"""The web server and the workers side by side under one supervisor: what `python run.py` starts."""

import errno
import logging
import os
import socket
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from asyncinweb.errors import CannotStart
from asyncinweb.logs import configure_log
from asyncinweb.queue import bell
from asyncinweb.queue.client import open_database
from asyncinweb.queue.database import FIRST_SOUND_SQLITE, Patience, sqlite_version
from asyncinweb.queue.presence import new_id
from asyncinweb.settings import Settings
from asyncinweb.workers.burial import settle_leftovers
from asyncinweb.workers.child import Post, Ready
from asyncinweb.workers.reaper import start_reaper
from asyncinweb.workers.stops import StopRequests
from asyncinweb.workers.supervisor import Supervisor

try:
    import fcntl
except ImportError:  # no such lock on this system
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

# The supervisor looks after everything once a second and must not wait long for anybody.
SUPERVISOR = Patience(lock_seconds=1.0, busy_seconds=1.0)


@dataclass(frozen=True)
class Parts:
    """Which processes to start."""

    web: bool = True
    workers: bool = True


def run(settings: Settings, parts: Parts, say: Callable[[str], None], open_browser: bool = False) -> None:
    """Start the parts and stay until a signal asks to stop. `say` prints a line at the terminal.

    Raises CannotStart, DatabaseUnusable, TaskLoadError and their kin before anything has been changed.
    """
    configure_log()
    # First of all, so that Ctrl-C is a wish to stop at any moment of the start.
    stops = StopRequests()
    refuse_open_door(settings, parts)
    prepare_instance(settings.instance)
    with folder_lock(settings.instance, parts), listening_socket(settings, parts) as door:
        supervisor_id = new_id()
        reaper = start_reaper(supervisor_id)
        try:
            database = open_database(settings, SUPERVISOR)
            settle_leftovers(database)
            url = None if door is None else address_of(door)
            web = None if door is None else Post("web", "asyncinweb.webserver:serve_web", (settings, door))
            with bell.listen() as rings:
                workers = settings.workers if parts.workers else 0
                supervisor = Supervisor(settings, workers, database, supervisor_id, rings, web, reaper.pid, stops)
                supervisor.run(lambda answers: announce(settings, url, answers, say, open_browser))
        finally:
            reaper.dismiss()


def refuse_open_door(settings: Settings, parts: Parts) -> None:
    """Serve others only if somebody has said that this is meant."""
    if parts.web and not settings.is_loopback and not settings.insecure_no_auth:
        raise CannotStart(
            f"host = {settings.host!r} would let everybody on the network see and start jobs, and there is no "
            "sign-in. Keep --host 127.0.0.1, or say --insecure-no-auth if that is meant."
        )


def prepare_instance(folder: Path) -> None:
    """Make the folder for the database and files, which nobody else on this computer may read."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise CannotStart(
            f"The folder {folder} cannot be written to ({error.strerror}). Make it writable, or choose another: "
            "--instance DIR"
        ) from None


@contextmanager
def folder_lock(folder: Path, parts: Parts) -> Iterator[None]:
    """One set of workers for each folder. The kernel frees the lock however the process ends."""
    if not parts.workers or fcntl is None:
        yield
        return
    with (folder / "supervisor.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise CannotStart(
                f"The folder {folder} is in use by process {file.read().strip() or '?'}. Stop that one first, or "
                "choose another folder: --instance DIR"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


@contextmanager
def listening_socket(settings: Settings, parts: Parts) -> Iterator[socket.socket | None]:
    """The door for visitors, open before anything else happens, so that no start can fail halfway for it.

    The supervisor keeps it, so that a web process that is replaced loses no connection.
    """
    if not parts.web:
        yield None
        return
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        door = socket.socket(family, kind, protocol)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(address)
        door.listen(1024)
    except OSError as error:
        raise CannotStart(_why_no_door(settings, error)) from None
    with door:
        yield door


def _why_no_door(settings: Settings, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {settings.port} on {settings.host} is in use. Stop the program that uses it, or choose "
            f"another: --port {settings.port % 65_535 + 1}"
        )
    why = error.strerror or error
    return f"Cannot listen on {settings.host} port {settings.port}: {why}. Check --host and --port."


def address_of(door: socket.socket) -> str:
    """The URL under which a socket is reached."""
    host, port = door.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def announce(
    settings: Settings,
    url: str | None,
    answers: Sequence[Ready],
    say: Callable[[str], None],
    open_browser: bool,
) -> None:
    """Say what has been started, in a few lines."""
    for line in start_message(settings, url, answers):
        say(line)
    if open_browser and url is not None:
        webbrowser.open(url)


def start_message(settings: Settings, url: str | None, answers: Sequence[Ready]) -> list[str]:
    """The lines a person reads after the start."""
    tasks = answers[0].tasks
    workers = len([answer for answer in answers if answer.kind == "worker"])
    lines = [f"asyncinweb at {url}" if url else "asyncinweb workers"]
    lines.append(f"  tasks     {len(tasks)} found in {', '.join(settings.tasks)}: {', '.join(tasks) or 'none'}")
    lines.append(f"  workers   {workers} {'process' if workers == 1 else 'processes'}")
    version = ".".join(map(str, sqlite_version()))
    lines.append(f"  database  {settings.database_path} (SQLite {version}, durability {settings.durability})")
    lines.append("  sign-in   none: " + ("this computer only" if settings.is_loopback else "OPEN TO THE NETWORK"))
    lines += [f"  warning   {warning}" for warning in start_warnings(settings, len(tasks))]
    lines.append(f"Stop with Ctrl-C; running jobs get {settings.grace_seconds:g} s to finish.")
    return lines


def start_warnings(settings: Settings, tasks: int) -> list[str]:
    """What a person should know before relying on this start."""
    warnings = []
    if not tasks:
        warnings.append("no task was found; write @task above a function and name its file with --tasks")
    if sqlite_version() < FIRST_SOUND_SQLITE:
        warnings.append(
            "this SQLite has a rare fault in WAL mode (fixed in 3.51.3), which the write lock here avoids; "
            "for a current one: pip install 'asyncinweb[sqlite]'"
        )
    return warnings

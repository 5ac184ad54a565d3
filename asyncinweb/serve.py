"""The web server and the workers side by side under one supervisor: what `python run.py` starts.

This is the first half of a start: what must be in place before anything runs (folder, lock, port), and the
children. The second half is in `supervision`, which is loaded while the first child loads.
"""

import errno
import importlib
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import asyncinweb
from asyncinweb.configuration import forget_secrets
from asyncinweb.errors import CannotStart
from asyncinweb.identity import new_id
from asyncinweb.logs import configure_log
from asyncinweb.queue import wakeup
from asyncinweb.queue.files.folder_lock import folder_lock
from asyncinweb.queue.files.instance import make_database_file, make_instance, unwritable
from asyncinweb.settings import Settings
from asyncinweb.start import Start
from asyncinweb.workers.process.child import ChildSpec, WorkerSpec
from asyncinweb.workers.process.like_a_script import open_standard_streams
from asyncinweb.workers.process.started_claim import StartedClaim
from asyncinweb.workers.process.stop_signals import StopSignals
from asyncinweb.workers.supervising.reaper import start_reaper
from asyncinweb.workers.supervising.slots import Slots

if TYPE_CHECKING:
    import asyncinweb.supervision


@dataclass(frozen=True)
class Roles:
    """Which processes to start."""

    web: bool = True
    workers: bool = True


def run(settings: Settings, roles: Roles, say: Callable[[str], None], *, open_browser: bool = False) -> None:
    """Start the roles and run until a signal asks to stop. `say` prints a line at the terminal.

    Raises CannotStart, DatabaseUnusable, TaskLoadError and their subclasses before anything has changed.
    """
    open_standard_streams()
    configure_log()
    forget_secrets()
    # Early, so that Ctrl-C counts as a request to stop at any point of the start.
    stop_signals = StopSignals()
    refuse_unprotected_network(settings, roles)
    prepare_instance(settings.instance)
    in_folder = folder_lock(settings.instance) if roles.workers else nullcontext()
    with in_folder, listening_socket(settings, roles) as listener, wakeup.listening_socket() as wakeup_socket:
        prepare_database_file(settings.database_path)
        start_folder = leave_start_folder(settings.instance)
        tree = new_id()
        reaper = start_reaper(tree)
        try:
            web = web_spec(settings, listener)
            workers = settings.workers if roles.workers else 0
            make_worker = partial(worker_spec, settings, tree, wakeup_socket)
            slots = Slots(tree, web, workers, make_worker, reaper.pid, stop_signals, start_folder)
            slots.start_first()
            # By name, and only now: the first child loads at the same time, and each takes half a second.
            importlib.import_module("asyncinweb.supervision")
            start = Start(settings, address_of(listener) if listener else None, say, open_browser)
            asyncinweb.supervision.supervise(start, slots, wakeup_socket.getsockname()[1], stop_signals)
        finally:
            reaper.dismiss()


def leave_start_folder(instance: Path) -> str:
    """Let this process live in the instance folder, which stays: a deployment may replace the other one, and no
    process can be started from a folder that is gone. The name of the other one, where children begin."""
    folder = str(Path.cwd())
    os.chdir(instance)
    return folder


def web_spec(settings: Settings, listener: socket.socket | None) -> ChildSpec | None:
    """What the web process does; None where there is none."""
    if listener is None:
        return None
    return ChildSpec("web", "asyncinweb.webserver:serve_web", (settings, listener))


def worker_spec(settings: Settings, tree: str, wakeup_socket: socket.socket) -> ChildSpec:
    """The child spec of one worker, with an id of its own."""
    spec = WorkerSpec(new_id(), tree, settings.without_secrets(), StartedClaim())
    return ChildSpec("worker", "asyncinweb.workers.worker:work", (spec, wakeup_socket))


def refuse_unprotected_network(settings: Settings, roles: Roles) -> None:
    """Serve other computers only if the operator has explicitly asked for it."""
    if roles.web and not settings.is_loopback and not settings.insecure_no_auth:
        raise CannotStart(
            f"host = {settings.host!r} would let anyone on the network see and start jobs, because there is no "
            "sign-in. Use --host 127.0.0.1, or add --insecure-no-auth if you want that."
        )


def prepare_instance(folder: Path) -> None:
    """Create the folder for the database and files, closed to other users of this computer."""
    make_instance(folder)
    try:
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise unwritable(folder, error) from None


def prepare_database_file(path: Path) -> None:
    """Create the database file before any child starts, so that no child creates its own."""
    try:
        make_database_file(path)
    except OSError as error:
        raise CannotStart(f"Cannot create the database {path} ({error.strerror}).") from None


@contextmanager
def listening_socket(settings: Settings, roles: Roles) -> Iterator[socket.socket | None]:
    """The listener for visitors, opened before anything else, so that a port in use cannot stop a start halfway.

    The supervisor keeps it, so that no connection is lost when the web process is replaced.
    """
    if not roles.web:
        yield None
        return
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except OSError as error:
        raise CannotStart(_why_not_listening(settings, error)) from None
    with listener:
        yield listener


def _why_not_listening(settings: Settings, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {settings.port} on {settings.host} is already in use. Stop the program that uses it, or "
            f"choose another port: --port {settings.port % 65_535 + 1}"
        )
    why = error.strerror or error
    return f"Cannot listen on {settings.host} port {settings.port}: {why}. Check --host and --port."


def address_of(listener: socket.socket) -> str:
    """The URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

"""The second half of a start: open the database, settle what earlier starts left, report, supervise."""

import webbrowser
from collections.abc import Sequence

from asyncinweb.queue.client import open_database
from asyncinweb.queue.stores.driver_errors import sqlite_version
from asyncinweb.queue.stores.sqlite import Patience
from asyncinweb.settings import Settings
from asyncinweb.start import Start
from asyncinweb.workers.process.child import Ready
from asyncinweb.workers.process.stop_signals import StopSignals
from asyncinweb.workers.process.working_folder import FOLDER_NAME, remove_quietly
from asyncinweb.workers.supervising.rescue import rescue_leftovers
from asyncinweb.workers.supervising.slots import Slots
from asyncinweb.workers.supervising.supervisor import Supervisor

# The supervisor checks everything once a second and must not wait long for other processes.
SUPERVISOR = Patience(lock_seconds=1.0, busy_seconds=1.0)


def supervise(start: Start, slots: Slots, wake_port: int, stop_signals: StopSignals) -> None:
    """Let the children begin, and supervise them until a signal asks to stop.

    Raises DatabaseUnusable, its subclasses, and ChildRefused, after ending the children.
    """
    try:
        database = open_database(start.settings, SUPERVISOR)
        rescue_leftovers(database)
        if slots.worker_count:
            # Left by killed workers. The workers of this start enter theirs later, when they get the go.
            remove_quietly(start.settings.instance / FOLDER_NAME)
    except BaseException:
        slots.kill_all()
        raise
    supervisor = Supervisor(start.settings, database, slots, wake_port, stop_signals)
    supervisor.run(lambda ready: announce(start, slots, ready))


def announce(start: Start, slots: Slots, ready: Ready) -> None:
    """Report what has been started, in a few lines."""
    for line in start_message(start.settings, start.url, ready.tasks, slots.worker_count):
        start.say(line)
    if start.open_browser and start.url is not None:
        webbrowser.open(start.url)


def start_message(settings: Settings, url: str | None, tasks: Sequence[str], workers: int) -> list[str]:
    """The lines that the operator reads after a start."""
    lines = [f"asyncinweb at {url}" if url else "asyncinweb workers"]
    lines.append(f"  tasks     {len(tasks)} found in {', '.join(settings.tasks)}: {', '.join(tasks) or 'none'}")
    processes = f"{workers} {'process' if workers == 1 else 'processes'}"
    lines.append(f"  workers   {processes if workers else 'none here; to start some: asyncinweb worker'}")
    version = ".".join(map(str, sqlite_version()))
    lines.append(f"  database  {settings.database_path} (SQLite {version}, durability {settings.durability})")
    if url:
        lines.append(
            f"  sign-in   none, {'open to this computer only' if settings.is_loopback else 'OPEN TO THE NETWORK'}"
        )
    if not tasks:
        lines.append("  warning   no tasks found; put @task above a function and name its file with --tasks")
    lines.append(f"Press Ctrl-C to stop. Running jobs get {settings.grace_seconds:g} s to finish.")
    return lines

"""A small process that outlives a killed supervisor just long enough to kill what it left behind.

The kernel kills the workers with their parent, but not what jobs have started, and a killed worker cannot clean
up. Forked early, the reaper shares the supervisor's memory and costs almost none.
"""

import os
import signal
from dataclasses import dataclass

from asyncinweb.errors import CannotStart
from asyncinweb.workers.process.processes import kill_tree


@dataclass(frozen=True)
class Reaper:
    """The supervisor's handle on the reaper: while `lifeline` is open, the supervisor is alive."""

    pid: int
    lifeline: int

    def dismiss(self) -> None:
        """Let the reaper clear the tree one last time, and wait until it ends."""
        os.close(self.lifeline)
        os.waitpid(self.pid, 0)


def start_reaper(tree: str) -> Reaper:
    """Fork a reaper for the tree with this name, or raise CannotStart. Call this before there are threads or a
    database."""
    try:
        watched, lifeline = os.pipe()
        pid = os.fork()
    except OSError as error:
        raise CannotStart(
            f"The system can't start a process for the server ({error.strerror}). Check its limits."
        ) from None
    if pid:
        os.close(watched)
        return Reaper(pid, lifeline)
    try:
        _reap_when_orphaned(tree, watched, lifeline)
    finally:
        os._exit(0)


def _reap_when_orphaned(tree: str, watched: int, lifeline: int) -> None:
    os.close(lifeline)
    # Out of the terminal's reach: Ctrl-C is for the supervisor.
    os.setsid()
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    os.read(watched, 1)
    kill_tree(tree)

"""The environment of a process that runs an author's code: that of a script, not of our children."""

import multiprocessing
import os
import sys
from typing import Any

# The state while this module is imported, before multiprocessing turns the process into a child.
MAIN_PROCESS = multiprocessing.current_process()


def surroundings_of_a_script() -> None:
    """Prepare a process that the supervisor has just started: standard input, start method, output of its
    programs."""
    read_nothing()
    _be_a_main_process()
    # Otherwise a Python program would keep its output until it ends, and lose it when killed.
    os.environ.setdefault("PYTHONUNBUFFERED", "1")


def read_nothing() -> None:
    """Detach the server's terminal, so that programs cannot wait for it or read what is typed there."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    if nothing:
        os.dup2(nothing, 0)
        os.close(nothing)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - the process's own


def _be_a_main_process() -> None:
    """Undo what multiprocessing has set: its own start method, and the mark of a pool's child."""
    multiprocessing.set_start_method(None, force=True)
    # There is no public way to do this; joblib, for example, checks the name.
    inside: Any = multiprocessing.process
    MAIN_PROCESS.name = "MainProcess"
    inside._current_process, inside._parent_process = MAIN_PROCESS, None


def open_standard_streams() -> None:
    """Open missing standard descriptors: otherwise the next opened file would take their number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(number, True)

"""What a process finds that runs an author's code: the surroundings of a script, not those of our children."""

import multiprocessing
import os
import sys
from typing import Any

# As it is while this module is imported, which multiprocessing does before it makes the process a child.
MAIN_PROCESS = multiprocessing.current_process()


def surroundings_of_a_script() -> None:
    """For a process that the supervisor has just started: standard input, start method, output of its programs."""
    read_nothing()
    _be_a_main_process()
    # What a Python program prints would wait in it until it ends, and be lost when it is killed.
    os.environ.setdefault("PYTHONUNBUFFERED", "1")


def read_nothing() -> None:
    """Take the server's terminal away from programs that would wait for it, or read what is typed there."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    if nothing:
        os.dup2(nothing, 0)
        os.close(nothing)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - the process's own


def _be_a_main_process() -> None:
    """multiprocessing has set the start method that it was started with, and takes it for a child of a pool."""
    multiprocessing.set_start_method(None, force=True)
    # There is no public way to say so; joblib, for one, looks at the name.
    inside: Any = multiprocessing.process
    MAIN_PROCESS.name = "MainProcess"
    inside._current_process, inside._parent_process = MAIN_PROCESS, None


def open_standard_streams() -> None:
    """Open what the server was started without: the next file to be opened would take its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(number, True)

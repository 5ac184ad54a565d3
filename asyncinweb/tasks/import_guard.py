"""Refuses jobs while tasks are being loaded: every process loads them, so each would make its own job, some of
them before they know their database."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from asyncinweb.errors import TaskDefinitionError

PACKAGE = f"{Path(__file__).parents[1]}{os.sep}"
# The threads that existed when loading began; None while nothing is being loaded.
_bystanders: frozenset[int | None] | None = None


@contextmanager
def loading() -> Iterator[None]:
    """Inside, tasks are being loaded, by this thread and those that it starts."""
    global _bystanders
    before = _bystanders
    others = (each.ident for each in threading.enumerate() if each is not threading.current_thread())
    _bystanders = frozenset(others) if before is None else before
    try:
        yield
    finally:
        _bystanders = before


def refuse_while_loading(task: str) -> None:
    """Raise TaskDefinitionError with file and line if code that is being loaded enqueues a job of this task."""
    if _bystanders is not None and threading.get_ident() not in _bystanders:
        raise TaskDefinitionError(
            f"{_place()}: {task} was enqueued while tasks were being loaded. Every process loads them, so each "
            "one would queue a job. Enqueue from a function, a view or the shell instead."
        )


def _place() -> str:
    """File and line of the author's code."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else "somewhere"

"""Threads of a worker that must not end: an exception that stops one is logged, and the thread continues."""

import contextlib
import logging
import threading
from collections.abc import Callable

from asyncinweb.tasks.clean_values import clean_text

log = logging.getLogger(__name__)

MAX_ERROR = 500


def start_background_thread(name: str, turn: Callable[[], None]) -> None:
    """Call `turn` over and over in a thread of its own, even if it raises."""
    threading.Thread(target=_run, args=(name, turn), name=name, daemon=True).start()


def _run(name: str, turn: Callable[[], None]) -> None:
    # The thread continues instead of being replaced: starting a thread fails if the job has left no memory.
    while True:
        try:
            turn()
        except BaseException as error:
            with contextlib.suppress(BaseException):
                _log(name, error)


def _log(name: str, error: BaseException) -> None:
    words = clean_text(error, MAX_ERROR)
    log.error("The background thread %s was stopped by %s: %s. It continues.", name, type(error).__name__, words)

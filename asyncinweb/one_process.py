"""Calling an author's code and staying one process: a child that was forked in it does not come back out.

It would answer for its parent, and go on as a second worker.
"""

import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NoReturn

PACKAGE = str(Path(__file__).parent)


class OneProcess:
    """Around a call of an author's code. A child forked in it ends with the block, as a script would end there:
    what it raised is printed, its threads are waited for, files are flushed, and it has the exit code of a script.
    Exit handlers are left to the parent, as multiprocessing does it.

    Nested blocks need objects of their own.
    """

    def __enter__(self) -> None:
        self._pid = os.getpid()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if os.getpid() != self._pid:
            end_as_a_script(error)


def end_as_a_script(error: BaseException | None) -> NoReturn:
    """End this process with the exit code and the last words of a script that ends with `error`."""
    code = 1
    try:
        code = _exit_code(error)
        _wait_for_threads()
        if error is not None:
            # Files that only its variables hold are closed with them.
            traceback.clear_frames(error.__traceback__)
        _flush()
        if isinstance(error, KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        os._exit(code)


def _exit_code(error: BaseException | None) -> int:
    """The exit code of a script that ends with `error`; prints what it would print."""
    if error is None:
        return 0
    if not isinstance(error, SystemExit):
        _print_traceback(error)
        return 1
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    with suppress(Exception):
        print(error.code, file=sys.stderr)  # noqa: T201 - as Python does it
    return 1


def _print_traceback(error: BaseException) -> None:
    part = error.__traceback__
    while part is not None and part.tb_frame.f_code.co_filename.startswith(PACKAGE):
        part = part.tb_next
    error = error.with_traceback(part or error.__traceback__)
    sys.excepthook(type(error), error, error.__traceback__)


def _wait_for_threads() -> None:
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        # Closed, or something else that the author has put there.
        with suppress(Exception):
            stream.flush()

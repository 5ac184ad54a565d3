"""The orderly end of a worker: like the end of a program, but within a time limit."""

import atexit
import logging
import os
import signal
import threading

from asyncinweb.workers.process.working_folder import WorkingFolder
from asyncinweb.workers.running.output_capture import OutputCapture

log = logging.getLogger(__name__)


def end_in_order(output: OutputCapture, folder: WorkingFolder, seconds: float) -> None:
    """Wait for threads, run exit handlers, then end this process; after this many seconds in any case."""
    cut_off_after(seconds, folder)
    # In the interpreter's order, but without clearing modules afterwards, which no program relies on.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    folder.leave()
    output.flush_text()
    os._exit(0)


def cut_off_after(seconds: float, folder: WorkingFolder) -> None:
    """End this process after this time, even if something holds the interpreter's lock."""
    timer = threading.Timer(seconds, _cut_off, (seconds, folder))
    timer.name, timer.daemon = "asyncinweb-end", True
    timer.start()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds + 1)


def _cut_off(seconds: float, folder: WorkingFolder) -> None:
    log.warning("A worker's threads or exit handlers did not end within %g s; its process was ended", seconds)
    folder.leave()
    os._exit(0)

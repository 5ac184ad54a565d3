"""Where a task's output goes: print, logging, stderr, C code and child processes, all into the job's log."""

import contextlib
import io
import logging
import os
import select
import sys
import threading
from typing import TextIO

from asyncinweb.logs import harmless
from asyncinweb.queue.files.job_log import LogWriter
from asyncinweb.tasks.current import left_by
from asyncinweb.workers.process.background import start_background_thread
from asyncinweb.workers.running.interruption import Interruption

CHUNK = 65_536
# The prefix of the worker's own threads' names.
OWN_THREADS = "asyncinweb-"


class _Text(io.TextIOWrapper):
    """A stream that a task cannot close for later tasks."""

    def __init__(self, capture: "OutputCapture", interruption: Interruption) -> None:
        # Without a buffer between: a child that is forked while another thread holds its lock could never print.
        super().__init__(capture, encoding="utf-8", errors="backslashreplace", line_buffering=True)
        self._interruption = interruption
        self.writes = 0

    def write(self, words: str) -> int:
        self.writes += 1
        # An exception raised further down, after the bytes are in the log, would make the stream write them again.
        with self._interruption.shield():
            return super().write(words)

    def close(self) -> None:
        self.flush()


class OutputCapture(io.RawIOBase):
    """The process's stdout and stderr. Between jobs, late output goes to the server's terminal.

    Python's own writes go to the log at once, so that a crash loses none; descriptors 1 and 2 lead to a pipe that
    a thread empties, which also catches C code and child processes. Whatever is in the pipe when Python writes is
    logged first, so a program's output comes before anything printed after its end.
    """

    def __init__(self, interruption: Interruption) -> None:
        self._interruption = interruption
        self._log: LogWriter | None = None
        self._last_job = ""
        # Left by no job: the main thread, and those that the modules of tasks have started.
        self._first_threads: set[int | None] = set()
        # Reentrant, because an author's signal handler may print.
        self._draining = threading.RLock()
        self._is_forked = False
        self._readable = select.poll()
        self.terminal = os.dup(2)
        self._pipe, self._write_end = os.pipe()
        os.set_blocking(self._pipe, False)
        self._nothing = os.open(os.devnull, os.O_RDONLY)
        self._readable.register(self._pipe, select.POLLIN)
        self._writes_seen = 0
        self.name = "<stdout>"
        self.text = _Text(self, interruption)

    def redirect(self) -> TextIO:
        """Take over the process's streams and the root logger. Returns the terminal, for the server's own log."""
        self._lead_here()
        into_job_log = logging.StreamHandler(self.text)
        into_job_log.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        logging.getLogger().addHandler(into_job_log)
        logging.getLogger().setLevel(logging.INFO)
        start_background_thread("asyncinweb-output", self._drain_when_readable)
        return open(self.terminal, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)

    def begin(self, slug: str, log: LogWriter) -> None:
        """From now on, everything goes to this job's log."""
        self._lead_here()
        if not self._last_job:
            self._first_threads = {each.ident for each in threading.enumerate()}
        self._last_job, self._log = slug, log

    def _lead_here(self) -> None:
        """Restore the streams and descriptors, whatever the previous job has done to them."""
        sys.stdout = sys.stderr = self.text
        os.dup2(self._write_end, 1)
        os.dup2(self._write_end, 2)
        os.dup2(self._nothing, 0)

    def end(self) -> None:
        """The job has ended: output still on its way goes to its log, then the log is closed."""
        self.flush_text()
        self._drain()
        log, self._log = self._log, None
        if log is not None:
            log.close()

    def flush_text(self) -> None:
        """Write an unfinished line."""
        # ValueError: a task has closed the underlying stream.
        with contextlib.suppress(ValueError):
            self.text.flush()

    def flush_waiting_text(self) -> None:
        """Write a line that has been unfinished since the previous call. A line that is being printed right now is
        left alone: `print` writes its line break separately, and a child's line would come between."""
        is_waiting, self._writes_seen = self._writes_seen == self.text.writes, self.text.writes
        if is_waiting:
            self.flush_text()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        # So that subprocess and faulthandler can write to the task's stdout.
        return 1

    def write(self, data: "io.ReadableBuffer") -> int:  # type: ignore[name-defined]
        written = bytes(data)
        if self._is_forked:
            return _write_all(written)
        with self._interruption.shield():
            self._pass_on()
            if slug := self._left_by():
                self._put_under(slug, written)
            else:
                self._put(written)
        return len(written)

    def _left_by(self) -> str:
        """The job whose code is writing although it has ended; "" otherwise."""
        if self._log is None and threading.get_ident() not in self._first_threads:
            return "" if threading.current_thread().name.startswith(OWN_THREADS) else self._last_job
        return left_by()

    def _put_under(self, slug: str, data: bytes) -> None:
        lines = data.decode("utf-8", "replace").splitlines(keepends=True)
        self._put_at_terminal("".join(f"Left by job {slug}…: {line}" for line in lines))

    def become_a_child(self) -> None:
        """In a process that a task has forked, output goes through the pipe: only one process writes the log, and
        a lock held by another thread would be held for ever."""
        self._is_forked = True

    def _put(self, data: bytes) -> None:
        if self._log is None:
            self._put_at_terminal(data.decode("utf-8", "replace"))
            return
        # A full disk loses output, never the job.
        with contextlib.suppress(OSError):
            self._log.write(data)

    def _put_at_terminal(self, text: str) -> None:
        # The stream may be closed.
        with contextlib.suppress(OSError):
            os.write(self.terminal, harmless(text, keep="\n").encode())

    def _drain_when_readable(self) -> None:
        self._readable.poll()
        self._drain()

    def _drain(self) -> None:
        while self._pass_on():
            pass

    def _pass_on(self) -> bool:
        """Move output from the pipe to its destination, at most one pipe's capacity. False if there was none."""
        with self._draining:
            data = self._read()
            if data:
                self._put(data)
        return bool(data)

    def _read(self) -> bytes:
        try:
            return os.read(self._pipe, CHUNK)
        except BlockingIOError:
            return b""


def _write_all(data: bytes) -> int:
    left = data
    while left:
        left = left[os.write(1, left) :]
    return len(data)

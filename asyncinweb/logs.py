"""The server's log: one line for each event on the terminal, with nothing in it that could steer a terminal."""

import logging
import sys
from typing import TextIO

LOGGER = "asyncinweb"


class OneLine(logging.Formatter):
    """Escapes control characters, so that a task's or a visitor's text cannot forge lines or colours."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        if record.exc_info:
            return line
        return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in line)


def configure_log(stream: TextIO | None = None) -> None:
    """Send the program's own log to `stream` (the terminal). Called by its processes, never by an import."""
    output = logging.StreamHandler(stream or sys.stderr)
    output.setFormatter(OneLine("%(asctime)s  %(message)s", "%H:%M:%S"))
    log = logging.getLogger(LOGGER)
    log.handlers[:] = [output]
    log.setLevel(logging.INFO)
    log.propagate = False

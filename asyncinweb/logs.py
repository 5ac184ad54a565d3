"""The server's log: one line for each event on the terminal, with nothing in it that could steer a terminal."""

import json
import logging
import sys
from typing import Any, TextIO

# waitress tells on its INFO how many requests wait, and names addresses that visitors typed.
LOGGERS = {"asyncinweb": logging.INFO, "waitress": logging.ERROR}


def harmless(text: str, keep: str = "") -> str:
    """The text with everything escaped that steers a terminal or deceives a reader: control characters, invisible
    ones, marks that turn the direction of writing. Escapes are those of JSON. `keep`: characters left as they are.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in keep else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    escaped = json.dumps(character)[1:-1]
    # JSON leaves DEL as it is.
    return escaped if escaped != character else f"\\u{ord(character):04x}"


class OneLine(logging.Formatter):
    """One line for each event, so that a task's or a visitor's text cannot forge lines or colours. The lines of a
    traceback are indented: none of them looks like an event."""

    def format(self, record: logging.LogRecord) -> str:
        # Kept by whoever has formatted the record before, as they liked it.
        record.exc_text = None
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        return harmless(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return "\n".join(f"    {harmless(line)}" for line in super().formatException(ei).split("\n"))


def configure_log(stream: TextIO | None = None) -> None:
    """Send the log of program and web server to `stream` (the terminal). For processes, not for imports."""
    output = logging.StreamHandler(stream or sys.stderr)
    output.setFormatter(OneLine("%(asctime)s  %(message)s", "%H:%M:%S"))
    for name, level in LOGGERS.items():
        log = logging.getLogger(name)
        log.handlers[:] = [output]
        log.setLevel(level)
        log.propagate = False

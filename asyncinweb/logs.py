"""The server's log: one line for each event on the terminal, with nothing in it that could control a terminal."""

import json
import logging
import sys
from typing import Any, TextIO

# At INFO, waitress logs how many requests wait, and addresses that visitors typed.
LOGGERS = {"asyncinweb": logging.INFO, "waitress": logging.ERROR}


def harmless(text: str, keep: str = "") -> str:
    """The text with everything escaped that could control a terminal or deceive a reader: control characters,
    invisible characters, marks that change the direction of writing. Uses JSON's
    escapes. `keep`: characters left as they are.
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
        # Another formatter may have left its own version here.
        record.exc_text = None
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        return harmless(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return "\n".join(f"    {harmless(line)}" for line in super().formatException(ei).split("\n"))


def configure_log(stream: TextIO | None = None) -> None:
    """Send the log of the program and the web server to `stream` (the terminal). Call it in processes, not at
    import."""
    output = logging.StreamHandler(stream or sys.stderr)
    output.setFormatter(OneLine("%(asctime)s  %(message)s", "%H:%M:%S"))
    for name, level in LOGGERS.items():
        log = logging.getLogger(name)
        log.handlers[:] = [output]
        log.setLevel(level)
        log.propagate = False

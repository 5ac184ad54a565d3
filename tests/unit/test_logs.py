"""The lines of the program's log: nothing that a visitor or an author writes can forge one."""

import io
import logging
from collections.abc import Iterator

import pytest

from asyncinweb.logs import LOGGERS, configure_log


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the program's log writes; afterwards the log is as it was."""
    logs = [logging.getLogger(name) for name in LOGGERS]
    before = [(log, log.handlers[:], log.level, log.propagate) for log in logs]
    stream = io.StringIO()
    configure_log(stream)
    yield stream
    for log, handlers, level, propagate in before:
        log.handlers[:], log.level, log.propagate = handlers, level, propagate


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("plain wörds", "plain wörds"),
        ("two\nlines\r\n", "two\\nlines\\r\\n"),
        ("\x1b[31mred\x1b[0m", "\\u001b[31mred\\u001b[0m"),
        ("\x9b31m", "\\u009b31m"),
        ("left\u202eright", "left\\u202eright"),
        ("\u2028", "\\u2028"),
        ("\udc80", "\\udc80"),
        ("\0\a\b", "\\u0000\\u0007\\b"),
    ],
)
def test_control_characters_cannot_forge_a_line_of_the_log(written: io.StringIO, words: str, shown: str) -> None:
    logging.getLogger("asyncinweb.workers.worker").info("job %s", words)

    assert written.getvalue()[8:] == f"  job {shown}\n"


def test_the_lines_of_a_traceback_look_like_no_event(written: io.StringIO) -> None:
    try:
        raise ValueError("no\n12:00:00  Processing job: forged\x1b[2J")
    except ValueError:
        logging.getLogger("asyncinweb.web").exception("reference=1")

    first, *others = written.getvalue().splitlines()
    assert first.endswith("  reference=1")
    assert others[-1] == "    12:00:00  Processing job: forged\\u001b[2J"
    assert all(line.startswith("    ") for line in others)


def test_the_web_servers_own_errors_are_escaped_too(written: io.StringIO) -> None:
    logging.getLogger("waitress").error("Exception while serving %s", "/\x1b[31m\n")
    logging.getLogger("waitress.queue").warning("Task queue depth is 1")

    assert written.getvalue()[8:] == "  Exception while serving /\\u001b[31m\\n\n"


def test_a_tasks_own_logging_is_left_alone(written: io.StringIO) -> None:
    logging.getLogger("author").error("not the program's")

    assert written.getvalue() == ""

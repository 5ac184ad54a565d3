"""Where a result is kept, and what the start says and warns of."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from asyncinweb.errors import AsyncInWebError
from asyncinweb.logs import LOGGERS, configure_log
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.results import MAX_RESULT_IN_ROW, keep_result
from asyncinweb.settings import Settings
from asyncinweb.supervision import start_message
from asyncinweb.tasks.outputs.shapes import to_return_value


@pytest.mark.parametrize(
    "value", ["text", "", "größer", 7, 2.5, True, None, [1, "a"], {"a": {"b": None}}, "x" * MAX_RESULT_IN_ROW]
)
def test_a_small_value_is_kept_in_the_row_as_it_was(tmp_path: Path, value: object) -> None:
    folder = JobFolder(tmp_path, "slug")

    kept = json.loads(keep_result(folder, 1, to_return_value(value)))

    assert kept["value"] == value
    assert "file" not in kept
    assert not folder.path.exists()


@pytest.mark.parametrize("value", ["x" * (MAX_RESULT_IN_ROW + 1), ["x" * MAX_RESULT_IN_ROW], b"\0", b"GIF89a"])
def test_a_large_or_binary_value_is_kept_in_a_file_named_by_its_claim(tmp_path: Path, value: object) -> None:
    folder = JobFolder(tmp_path, "slug")
    output = to_return_value(value)

    kept = json.loads(keep_result(folder, 3, output))

    assert "value" not in kept
    assert kept["file"] == f"result-3.{output.suffix}"
    assert (folder.path / kept["file"]).read_bytes() == output.data
    assert kept["bytes"] == len(output.data)


def test_a_returned_file_is_copied_and_stays_where_it_is(tmp_path: Path) -> None:
    given = tmp_path / "given.csv"
    given.write_bytes(b"a,b\n" * 1_000_000)
    folder = JobFolder(tmp_path, "slug")

    kept = json.loads(keep_result(folder, 2, to_return_value(given)))

    assert (kept["file"], kept["name"], kept["bytes"]) == ("result-2.csv", "given.csv", 4_000_000)
    assert (folder.path / kept["file"]).read_bytes() == given.read_bytes()


def test_a_returned_file_that_has_gone_meanwhile_is_an_error_in_words_and_not_waited_for(tmp_path: Path) -> None:
    given = tmp_path / "given.csv"
    given.write_text("a")
    output = to_return_value(given)
    given.unlink()

    with pytest.raises(AsyncInWebError, match=r"Cannot read the returned file .*given\.csv"):
        keep_result(JobFolder(tmp_path, "slug"), 1, output)


def test_a_warning_of_the_output_is_kept(tmp_path: Path) -> None:
    kept = json.loads(keep_result(JobFolder(tmp_path, "slug"), 1, to_return_value([object])))

    assert kept["warning"] == "Kept as text because JSON can't represent it: type."


def settings(**given: object) -> Settings:
    return Settings(**{"tasks": ("my_tasks.py",), "instance": "/srv/jobs", **given})


def test_a_start_without_a_task_warns() -> None:
    lines = start_message(settings(), None, [], 1)

    assert "  warning   no tasks found; put @task above a function and name its file with --tasks" in lines


def test_an_ordinary_start_warns_of_nothing_even_on_an_old_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asyncinweb.queue.stores.driver_errors.sqlite_version", lambda: (3, 40, 1))

    assert not [line for line in start_message(settings(), None, ["a"], 1) if "warning" in line]


def test_the_start_message_says_how_many_and_where() -> None:
    lines = start_message(settings(grace_seconds=2.5), "http://127.0.0.1:8000", ["a", "b"], 2)

    assert lines[:3] == [
        "asyncinweb at http://127.0.0.1:8000",
        "  tasks     2 found in my_tasks.py: a, b",
        "  workers   2 processes",
    ]
    assert lines[-1] == "Press Ctrl-C to stop. Running jobs get 2.5 s to finish."


def test_a_start_for_the_network_says_so() -> None:
    lines = start_message(settings(host="0.0.0.0"), "http://0.0.0.0:8000", [], 1)

    assert "  sign-in   none, OPEN TO THE NETWORK" in lines
    assert "  tasks     0 found in my_tasks.py: none" in lines
    assert "  workers   1 process" in lines


def test_a_start_of_one_half_says_nothing_of_the_other_or_how_to_start_it() -> None:
    workers, web = start_message(settings(), None, [], 2), start_message(settings(), "http://x", [], 0)

    assert workers[0] == "asyncinweb workers"
    assert not [line for line in workers if "sign-in" in line]
    assert "  workers   none here; to start some: asyncinweb worker" in web


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

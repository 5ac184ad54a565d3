"""Finding the author's own line in a traceback."""

import sysconfig

import pytest

from asyncinweb.tasks.demo import flaky
from asyncinweb.tasks.registry import Options, Task
from asyncinweb.web.job_status.tracebacks import CodeLine, author_line

START = "Traceback (most recent call last):\n"
STANDARD = sysconfig.get_path("stdlib")


def frame(file: str, line: int, code: str = "x = 1") -> str:
    return f'  File "{file}", line {line}, in work\n    {code}\n    ~~^~~\n'


@pytest.mark.parametrize(
    "library", ["/venv/lib/python3.12/site-packages/numpy/core.py", f"{STANDARD}/json/decoder.py", "<frozen os>"]
)
def test_frames_of_libraries_are_passed_over(library: str) -> None:
    text = START + frame("/srv/report.py", 12) + frame(library, 7) + "ValueError: no\n"

    assert author_line(text, None) == CodeLine("/srv/report.py", 12, "work", "x = 1")


def test_the_innermost_of_the_authors_frames_is_shown() -> None:
    text = START + frame("/srv/report.py", 12) + frame("/srv/lib/numbers.py", 3) + "ValueError: no\n"

    found = author_line(text, None)

    assert found is not None
    assert found.place == "numbers.py:3"


def test_of_an_error_during_another_the_last_is_shown() -> None:
    first = START + frame("/srv/a.py", 1) + "KeyError: 1\n\nDuring handling of the above exception:\n\n"

    found = author_line(first + START + frame("/srv/b.py", 2) + "ValueError\n", None)

    assert found is not None
    assert found.place == "b.py:2"


def test_a_task_inside_a_library_has_an_author_too() -> None:
    file = flaky.__file__
    text = START + frame(file, 12) + "ValueError: no\n"

    assert author_line(text, None) is None
    assert author_line(text, flaky.flaky_import) is not None


def test_code_that_is_not_in_the_traceback_is_left_out() -> None:
    text = START + '  File "/srv/a.py", line 1, in work\nValueError: no\n'

    assert author_line(text, None) == CodeLine("/srv/a.py", 1, "work", "")


@pytest.mark.parametrize("text", [None, "", "no traceback", START, "  File x, line 1"])
def test_without_frames_there_is_no_line(text: str | None) -> None:
    assert author_line(text, Task(lambda: None, Options())) is None

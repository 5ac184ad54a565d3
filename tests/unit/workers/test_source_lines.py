"""The author's own line of a failure: found in real frames, shown as the source was when it was loaded."""

import functools
import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from asyncinweb.tasks.demo import flaky
from asyncinweb.tasks.outcome import SourceLine
from asyncinweb.workers.running.source_lines import author_line, remember_sources

Load = Callable[..., ModuleType]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Writes a module of an author's and imports it, as a worker does."""
    monkeypatch.syspath_prepend(tmp_path)

    def load_module(name: str, *lines: str) -> ModuleType:
        path = tmp_path / f"{name}.py"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name.replace("/", "."), path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return module

    return load_module


def failure_of(function: Callable[[], object]) -> BaseException:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - whatever an author raises
        function()
    # Without the frames of this test, as a runner leaves out its own.
    assert caught.value.__traceback__ is not None
    return caught.value.with_traceback(caught.value.__traceback__.tb_next)


def test_the_innermost_of_the_authors_frames_is_shown(load: Load) -> None:
    load("helpers_of_report", "def half(n):", "    return n / 0")
    report = load("report", "from helpers_of_report import half", "def work():", "    return half(1)")

    found = author_line(failure_of(report.work), report.__file__ or "")

    assert found == SourceLine("helpers_of_report.py", 2, "half", "return n / 0")
    assert found.place == "helpers_of_report.py:2"


def test_frames_of_libraries_are_passed_over(load: Load) -> None:
    report = load("report", "import json", "def work():", "    return json.loads('{')")

    found = author_line(failure_of(report.work), report.__file__ or "")

    assert found == SourceLine("report.py", 3, "work", "return json.loads('{')")


def test_of_an_error_during_another_the_last_is_shown(load: Load) -> None:
    report = load("report", "def work():", "    try: {}[1]", "    except KeyError:", "        int('x')")

    found = author_line(failure_of(report.work), report.__file__ or "")

    assert found is not None
    assert found.code == "int('x')"


def test_a_task_inside_a_library_has_an_author_too() -> None:
    error = failure_of(functools.partial(flaky.flaky_import, rows="many"))  # type: ignore[arg-type]

    assert author_line(error, "") is None
    found = author_line(error, flaky.__file__)
    assert found is not None
    assert found.file == "asyncinweb/tasks/demo/flaky.py"


def test_a_file_in_a_package_is_named_as_it_is_imported(load: Load, tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    yearly = load("reports/yearly", "def work():", "    raise ValueError('no')")

    found = author_line(failure_of(yearly.work), yearly.__file__ or "")

    assert found is not None
    assert found.file == "reports/yearly.py"
    assert str(tmp_path) not in json.dumps(vars(found))


def test_the_line_is_the_one_that_ran_though_the_file_was_edited_since(load: Load) -> None:
    report = load("report", "def work():", "    return 1 / 0")
    remember_sources()
    assert report.__file__
    Path(report.__file__).write_text("# a new first line\n\n\ndef work():\n    return 1\n", encoding="utf-8")

    found = author_line(failure_of(report.work), report.__file__)

    assert found == SourceLine("report.py", 2, "work", "return 1 / 0")


def test_code_without_a_source_is_left_out(load: Load) -> None:
    report = load("report", "def work(): exec('1 / 0')")

    found = author_line(failure_of(report.work), report.__file__ or "")

    assert found == SourceLine("report.py", 1, "work", "def work(): exec('1 / 0')")


def test_names_that_no_page_can_show_are_escaped(load: Load) -> None:
    # As Python names files on a disk with names in another encoding.
    report = load("report", "def work():", "    exec(compile('1 / 0', 'caf\\udce9.py', 'exec'))")

    found = author_line(failure_of(report.work), report.__file__ or "")

    assert found is not None
    assert found.file == "caf\\udce9.py"
    assert "".join((found.file, found.function, found.code)).encode()


def test_without_frames_there_is_no_line() -> None:
    assert author_line(ValueError("never raised"), "") is None

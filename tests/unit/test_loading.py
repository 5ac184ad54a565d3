"""Loading modules and files with tasks: each failure is one clear line. In processes of their own, since an import
stays in the process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys
from asyncinweb.errors import AsyncInWebError
from asyncinweb.tasks.loading import load
try:
    print(*load(sys.argv[1:]).tasks)
except AsyncInWebError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""
TASK = "from asyncinweb import task\n@task\ndef {name}(year: int = 2026) -> int:\n    return year\n"


def load(folder: Path, *sources: str) -> subprocess.CompletedProcess[str]:
    """`load(sources)` in a new process whose working folder is `folder`."""
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, *sources],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def refusal(folder: Path, *sources: str) -> str:
    """The one line that a failed load says."""
    process = load(folder, *sources)
    assert process.returncode == 1, process.stdout
    lines = process.stderr.splitlines()
    assert len(lines) == 1, process.stderr
    return lines[0]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_modules_packages_and_files_are_loaded_in_one_go(tmp_path: Path) -> None:
    write(tmp_path / "plain.py", TASK.format(name="one"))
    write(tmp_path / "package" / "__init__.py", "")
    write(tmp_path / "package" / "inner.py", TASK.format(name="two"))
    file = write(tmp_path / "else where" / "by_path.py", "import beside\n" + TASK.format(name="three"))
    write(tmp_path / "else where" / "beside.py", "")

    process = load(tmp_path, "plain", "package.inner", str(file))

    assert process.stderr == ""
    assert process.stdout.split() == ["one", "two", "three"]


def test_the_same_file_named_twice_is_loaded_once(tmp_path: Path) -> None:
    write(tmp_path / "jobs.py", "print('loaded')\n" + TASK.format(name="one"))

    process = load(tmp_path, "jobs.py", "./jobs.py", str(tmp_path / "jobs.py"))

    assert process.stderr == ""
    assert process.stdout.split() == ["loaded", "one"]


@pytest.mark.parametrize(
    ("source", "facts"),
    [
        ("missing.py", ["TaskLoadError", "There is no file missing.py"]),
        ("missing_module", ["TaskLoadError", "There is no module 'missing_module'", "--tasks my_tasks.py"]),
        ("package.missing", ["TaskLoadError", "There is no module 'package.missing'"]),
        ("", ["TaskLoadError"]),
    ],
)
def test_a_source_that_is_not_there_is_named_with_the_cure(tmp_path: Path, source: str, facts: list[str]) -> None:
    write(tmp_path / "package" / "__init__.py", "")

    line = refusal(tmp_path, source)

    assert all(fact in line for fact in facts), line


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("x = 1\ndef broken(:\n", ["SyntaxError", "bad.py:2"]),
        ("x = 1\n\nx / 0\n", ["ZeroDivisionError: division by zero", "bad.py:3"]),
        ("raise ValueError('one\\ntwo')\n", ["ValueError: one two", "bad.py:1"]),
        ("import no_such_library\n", ["ModuleNotFoundError: No module named 'no_such_library'", "bad.py:1"]),
        ("import sys\nsys.exit(3)\n", ["SystemExit: 3", "bad.py:2"]),
        (
            "from asyncinweb import task\n\n@task\ndef report(year): ...\n",
            ["TaskDefinitionError", "report(): parameter 'year' has no type hint", "bad.py:3"],
        ),
        (
            "from asyncinweb import task\n\n@task(timeout=0)\ndef report(): ...\n",
            ["TaskDefinitionError", "timeout=0"],
        ),
    ],
    ids=["syntax", "exception", "two lines", "import", "exit", "hint", "option"],
)
def test_a_module_that_cannot_be_imported_is_one_line_with_its_file_and_line(
    tmp_path: Path, text: str, facts: list[str]
) -> None:
    write(tmp_path / "bad.py", text)

    line = refusal(tmp_path, "bad.py")

    assert all(fact in line for fact in facts), line


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("x = 1\ndef broken(:\n", ["SyntaxError", "bad.py:2"]),
        ("import no_such_library\n", ["No module named 'no_such_library'", "bad.py:1"]),
    ],
    ids=["syntax", "import"],
)
def test_a_module_named_without_its_path_fails_as_clearly(tmp_path: Path, text: str, facts: list[str]) -> None:
    write(tmp_path / "bad.py", text)

    line = refusal(tmp_path, "bad")

    assert line.startswith("TaskLoadError: Cannot import bad: ")
    assert all(fact in line for fact in facts), line


def test_a_file_called_like_a_module_that_is_there_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "json.py", TASK.format(name="one"))

    line = refusal(tmp_path / "..", str(tmp_path / "json.py"))

    assert "there is already another module called 'json'. Rename the file." in line


def test_two_files_with_one_name_or_one_task_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a" / "jobs.py", TASK.format(name="one"))
    write(tmp_path / "b" / "jobs.py", TASK.format(name="two"))
    write(tmp_path / "c" / "others.py", TASK.format(name="one"))

    one_name = refusal(tmp_path, "a/jobs.py", "b/jobs.py")
    one_task = refusal(tmp_path, "a/jobs.py", "c/others.py")

    assert "b/jobs.py: there is already another module called 'jobs'" in one_name
    assert "Two tasks are called 'one'" in one_task


@pytest.mark.parametrize(
    ("call", "line"),
    [
        ("one.enqueue(2026)", 6),
        ("one.enqueue_many([{}, {}])", 6),
        ("one.using(priority=-1, unique_key='k').enqueue()", 6),
        ("def start():\n    one.enqueue()\nstart()", 7),
        ("class Plan:\n    job = one.enqueue()", 7),
        ("from other import later\nlater(one)", 2),
    ],
)
def test_a_job_enqueued_while_tasks_are_loaded_is_refused_with_file_and_line(
    tmp_path: Path, call: str, line: int
) -> None:
    write(tmp_path / "other.py", "def later(task):\n    task.enqueue()\n")
    file = write(tmp_path / "asyncinweb_tasks.py", f"{TASK.format(name='one')}\n{call}\n")
    where = tmp_path / "other.py" if "other" in call else file

    refused = refusal(tmp_path, str(file))

    assert refused.startswith(
        f"TaskDefinitionError: {where}:{line}: one was enqueued while tasks were being loaded."
    )
    assert not (tmp_path / "instance").exists()


def test_a_thread_that_is_started_while_tasks_are_loaded_queues_nothing(tmp_path: Path) -> None:
    starting = "import threading\nthread = threading.Thread(target=one.enqueue)\nthread.start()\nthread.join()\n"
    file = write(tmp_path / "threaded.py", f"{TASK.format(name='one')}\n{starting}")

    process = load(tmp_path, str(file))

    assert "one was enqueued while tasks were being loaded" in process.stderr
    assert not (tmp_path / "instance").exists()


def test_a_function_that_enqueues_works_once_its_tasks_are_loaded(tmp_path: Path) -> None:
    write(tmp_path / "later.py", f"{TASK.format(name='one')}\ndef start():\n    return one.enqueue().state\n")
    script = (
        "import asyncinweb\nfrom asyncinweb.tasks.loading import load\nload(['later'])\n"
        "import later\nprint(later.start())"
    )

    process = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (process.stdout, process.stderr) == ("queued\n", "")


HALF = "caf\\udce9"


@pytest.mark.parametrize(
    "text",
    [
        f"@task(title='{HALF}')\ndef odd(): ...",
        f"@task\ndef odd(name: str = '{HALF}'): ...",
        f"@task\ndef odd(name: Literal['a', '{HALF}']): ...",
        f"Files = Enum('Files', {{'a': 'a', 'b': '{HALF}'}})\n@task\ndef odd(name: Files = Files.a): ...",
        f"@task\ndef odd(name: Annotated[int, Field(description='{HALF}')] = 1): ...",
        f"@dataclass\nclass Box:\n    name: str = '{HALF}'\n@task\ndef odd(box: Box = Box()): ...",
    ],
)
def test_a_text_that_no_page_can_show_is_refused_with_its_task(tmp_path: Path, text: str) -> None:
    imports = (
        "from dataclasses import dataclass\nfrom enum import Enum\nfrom typing import Annotated, Literal\n"
        "from pydantic import Field\nfrom asyncinweb import task\n"
    )
    write(tmp_path / "named.py", imports + text)

    said = refusal(tmp_path, "named")

    for fact in ("TaskDefinitionError: odd", "'caf\\udce9'", "half of a character", "named.py:"):
        assert fact in said

"""What the documents say is there, is there; what is there, the documents say."""

import dataclasses
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
from left_behind import CASES, HELPERS, OTHER_ROWS

import asyncinweb
from asyncinweb.cli import cli
from asyncinweb.settings import Settings
from asyncinweb.states import REASONS, STATES
from asyncinweb.tasks.registry import Options

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SETTINGS = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
WRITING = (ROOT / "docs/writing-tasks.md").read_text(encoding="utf-8")
JOBS = (ROOT / "docs/jobs.md").read_text(encoding="utf-8")


def command_after(mark: str) -> str:
    found = re.search(rf"<!-- {mark} -->\n```sh\n(.+)\n```", README)
    assert found, f"the README has no command marked {mark}"
    return found[1]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_stands_in_the_table_with_its_help(name: str) -> None:
    row = next((line for line in SETTINGS.splitlines() if line.startswith(f"| `{name}` |")), "")

    assert str(Settings.model_fields[name].description) in row


def test_the_table_has_no_setting_that_is_not_there() -> None:
    table = SETTINGS.partition("## Commands")[0]

    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(Settings.model_fields)


def test_every_command_stands_in_the_table_and_no_other() -> None:
    table = SETTINGS.partition("## Commands")[2]

    assert set(re.findall(r"^\| `([a-z]+)[ `]", table, re.MULTILINE)) == set(cli.list_commands(click.Context(cli)))


@pytest.mark.parametrize("option", [field.name for field in dataclasses.fields(Options)])
def test_every_option_of_a_task_is_documented(option: str) -> None:
    assert f"| `{option}` |" in WRITING
    assert f"{option}:" in str(asyncinweb.task.__doc__)


def test_each_row_of_what_is_put_back_between_jobs_has_a_test() -> None:
    table = WRITING.partition("## What is put back between jobs")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \|", table, re.MULTILINE)[1:]
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests/processes").glob("test_*.py"))

    assert set(rows) == {case.row for case in [*CASES, *HELPERS]} | set(OTHER_ROWS)
    assert len(rows) == len(set(rows))
    assert [name for name in OTHER_ROWS.values() if f"def {name}(" not in tests] == []


@pytest.mark.parametrize("name", sorted(set(asyncinweb.__all__) - {"Job", "Task", "UnknownTask"}))
def test_every_public_name_is_documented(name: str) -> None:
    assert name in README + WRITING + JOBS


def test_every_state_is_explained() -> None:
    assert {state for state in STATES if f"| `{state}` |" in JOBS} == set(STATES)


def test_every_reason_that_is_used_is_explained() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "asyncinweb").rglob("*.py"))
    used = {reason for reason in REASONS if f'Failed(\n        "{reason}"' in code or f'Failed("{reason}"' in code}

    assert used
    assert {reason for reason in used if f"| `{reason}` |" in JOBS} == used


def test_the_commands_of_the_readme_use_what_the_project_has() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert command_after("run").endswith(".venv/bin/python run.py")
    assert "'.[test]'" in command_after("test")
    assert "test" in project["optional-dependencies"]
    assert (ROOT / "run.py").is_file()


def test_the_example_in_the_readme_loads(tmp_path: Path) -> None:
    example = next(block for block in re.findall(r"```python\n(.+?)```", README, re.DOTALL) if "@task" in block)
    file = tmp_path / "from_the_readme.py"
    file.write_text(example, encoding="utf-8")

    answer = subprocess.run(
        [sys.executable, "-m", "asyncinweb", "tasks", "--tasks", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stderr
    assert "Make the yearly report" in answer.stdout


def test_the_flask_example_in_the_readme_redirects_to_the_jobs_page(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.+?)```", README, re.DOTALL)
    (tmp_path / "shop.py").write_text(next(each for each in blocks if "# shop.py" in each), encoding="utf-8")
    (tmp_path / "asyncinweb.toml").write_text('tasks = ["shop"]\n', encoding="utf-8")
    visit = (
        "import shop; visitor = shop.app.test_client(); sent = visitor.post('/reports/2025'); "
        "print(sent.status_code, sent.location, visitor.get(sent.location).status_code)"
    )

    answer = subprocess.run(
        [sys.executable, "-c", visit],
        cwd=tmp_path,
        env={**os.environ, "ASYNCINWEB_INSTANCE": str(tmp_path / "instance")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stderr
    assert re.fullmatch(r"303 /slow/jobs/[\w-]{22} 200\n", answer.stdout)


def test_links_between_the_documents_lead_somewhere() -> None:
    documents = [ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{document.relative_to(ROOT)}: {link}"
        for document in documents
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
        if not link.startswith("http") and not (document.parent / link).exists()
    ]

    assert broken == []


def test_the_version_is_ready_for_the_changelog() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert re.search(r"^## \[(Unreleased|\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)

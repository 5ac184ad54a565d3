"""Files and secrets given by the shell and by a program: the same rules, the same place, the same end."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from process_tree import Tree, run_once, running

TASKS = """
from typing import Annotated
from asyncinweb import Accept, UploadedFile, task
from pydantic import SecretStr

@task
def describe(file: Annotated[UploadedFile, Accept(".csv")], password: SecretStr | None = None) -> str:
    secret = password.get_secret_value() if password else ""
    return f"{file.name} {file.path.read_text()} {len(secret)}"
"""
PROGRAM = """
from pathlib import Path
from describing import describe
from asyncinweb import UploadedFile

print(describe.enqueue(Path("orders.csv"), password="hunter2").slug)
print(describe.enqueue(UploadedFile.of("orders.csv")).slug)
print(describe(UploadedFile.of("orders.csv")))
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    folder = tmp_path_factory.mktemp("files")
    (folder / "describing.py").write_text(TASKS)
    (folder / "orders.csv").write_text("a,b")
    tree = Tree(folder, tasks=str(folder / "describing.py"))
    with running(tree):
        yield tree


def settings(tree: Tree) -> dict[str, object]:
    return {"instance": tree.instance, "tasks": "describing.py", "durability": "normal"}


@pytest.mark.parametrize("argument", ["file=@orders.csv", "file=orders.csv"])
def test_the_shell_takes_the_path_of_a_file(tree: Tree, argument: str) -> None:
    done = run_once(
        "submit", "describe", argument, "password=hunter2", "--wait", folder=tree.folder, settings=settings(tree)
    )

    assert done.returncode == 0, done.stderr
    assert "orders.csv a,b 7" in done.stdout
    assert "hunter2" not in done.stdout


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("file=nothing.csv", "file can't be read from nothing.csv"),
        ("file=describing.py", "file must be a .csv file, not 'describing.py'"),
        ("file=@@orders.csv", "file can't be read from @orders.csv"),
        ("file=", "file is required"),
        ("x=1", "file is required; x isn't a parameter of describe"),
    ],
)
def test_the_shell_refuses_a_wrong_file_in_one_line(tree: Tree, argument: str, words: str) -> None:
    done = run_once("submit", "describe", argument, folder=tree.folder, settings=settings(tree))

    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_program_gives_a_path_and_may_remove_the_file_then(tree: Tree) -> None:
    (tree.folder / "program.py").write_text(PROGRAM)
    done = run_once("program.py", folder=tree.folder, program=(sys.executable,), settings=settings(tree))

    assert done.returncode == 0, done.stderr
    first, second, direct = done.stdout.splitlines()
    assert "orders.csv a,b 7" in tree.wait_for(first).result
    assert "orders.csv a,b 0" in tree.wait_for(second).result
    assert direct == "orders.csv a,b 0"
    assert all("hunter2" not in str(row) for row in tree.rows("SELECT * FROM asyncinweb_jobs"))
    given = Path(tree.job_folder(first).path) / "given"
    assert {path.stat().st_mode & 0o777 for path in given.iterdir()} == {0o600}

"""Where files are on the server is nobody's business: not of a result, an error, a log, a download."""

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from process_tree import RUN, Tree, run_once, running
from visitor import get

TASKS = Path(__file__).with_name("path_tasks.py")
CONTENT = b"a,b\n1,2\n"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    tree = Tree(tmp_path_factory.mktemp("tree"), program=(*RUN, "--port", "0"), tasks=TASKS)
    with running(tree):
        yield tree


def submitted(tree: Tree, task: str, **arguments: str) -> str:
    """A job that a person started with a file called "Orders 2026.csv", as soon as it has ended: its slug."""
    file = tree.folder / "Orders 2026.csv"
    file.write_bytes(CONTENT)
    given = [f"{name}={value}" for name, value in {"file": file, **arguments}.items()]
    shell = run_once("submit", task, *given, "--json", folder=tree.folder, settings=tree.settings)
    assert shell.returncode == 0, shell.stderr
    slug: str = json.loads(shell.stdout)["slug"]
    tree.wait_for(slug, "completed", "failed")
    return slug


def answers(tree: Tree, slug: str) -> str:
    """Everything a visitor or a program is told about a job."""
    addresses = (f"/jobs/{slug}", f"/jobs/{slug}/log.txt", f"/api/v1/jobs/{slug}", "/jobs", "/jobs.json")
    found = [get(tree, address) for address in addresses]
    assert [status for status, _ in found] == [200] * len(addresses)
    return "\n".join(text for _, text in found)


@pytest.mark.parametrize("way", ["file", "path", "open", "list", "fields"])
def test_a_returned_upload_is_downloaded_under_its_visitors_name(tree: Tree, way: str) -> None:
    slug = submitted(tree, "give_back", way=way)

    address = f"/jobs/{slug}/result/1" if way in ("list", "fields") else f"/jobs/{slug}/result"
    with urllib.request.urlopen(tree.url + address) as answer:
        assert answer.read() == CONTENT
        assert answer.headers["Content-Type"].startswith("text/csv")
        assert "Orders 2026.csv" in answer.headers["Content-Disposition"]
    assert str(tree.folder) not in answers(tree, slug)


def test_a_path_that_is_returned_as_text_is_the_visitors_name(tree: Tree) -> None:
    slug = submitted(tree, "give_back", way="text")

    assert tree.result(slug)["value"] == "Orders 2026.csv"


def test_neither_log_nor_progress_nor_result_shows_a_path(tree: Tree) -> None:
    slug = submitted(tree, "speak")

    told = answers(tree, slug)

    assert str(tree.folder) not in told
    assert str(TASKS.parent) not in told
    assert tree.job(slug).progress_text == "in Orders 2026.csv"
    log = tree.log(slug)
    assert "reading Orders 2026.csv" in log
    assert re.search(r"^path_tasks\.py:\d+: UserWarning", log, re.MULTILINE)
    assert 'File "path_tasks.py", line' in log


def test_neither_error_nor_traceback_shows_a_path(tree: Tree) -> None:
    slug = submitted(tree, "fail")

    told = answers(tree, slug)

    assert tree.job(slug).error == "OSError: cannot identify image file 'Orders 2026.csv' in x.cfg"
    assert "File &#34;path_tasks.py&#34;, line" in told
    assert not any(path in told for path in (str(tree.folder), str(TASKS.parent), "/usr/share"))

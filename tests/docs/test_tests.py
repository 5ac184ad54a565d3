"""How the tests are kept, which pytest itself does not check."""

import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = [path for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py"]
TREES = {path.name: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def imported(tree: ast.AST) -> list[str]:
    """The modules that a file names in its imports, wherever they stand."""
    froms = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return froms + [each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names]


def test_no_two_files_of_tests_have_one_name() -> None:
    # Their folders are no packages: Python knows each file by its name alone, and takes the first for the second.
    counted = Counter(path.name for path in FILES)

    assert len(counted) > 100
    assert [name for name, times in counted.items() if times > 1] == []


def test_no_test_imports_from_a_file_of_tests() -> None:
    modules = {"conftest"} | {name.removesuffix(".py") for name in TREES if name.startswith("test_")}
    found = {
        name: [each for each in imported(tree) if each.split(".")[-1] in modules] for name, tree in TREES.items()
    }

    assert "web_room" in imported(TREES["test_form_page.py"])
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_names_of_tests_have_at_most_80_characters() -> None:
    named = {
        node.name: name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }

    assert len(named) > 1_000
    assert {name: file for name, file in named.items() if len(name) > 80} == {}

"""The map in docs/architecture.md leads to files, functions and classes that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAP = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PLACES = sorted(set(re.findall(r"`((?:asyncinweb/[\w/]+|run)\.py)(?::([\w.]+))?`", MAP)))
FOLDERS = sorted(set(re.findall(r"`((?:asyncinweb|templates|static)/[\w/]*/)`", MAP)))


def defined_in(path: Path) -> set[str]:
    """Names of functions and classes, and of methods as `Class.method`."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
    return found


def test_the_map_names_many_places() -> None:
    assert len(PLACES) > 40
    assert len(FOLDERS) > 5


@pytest.mark.parametrize(("file", "name"), PLACES, ids=lambda part: part or "file")
def test_each_place_on_the_map_exists(file: str, name: str) -> None:
    assert (ROOT / file).is_file()
    assert not name or name in defined_in(ROOT / file)


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_folder_on_the_map_exists(folder: str) -> None:
    assert (ROOT / folder).is_dir()

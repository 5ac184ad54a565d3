"""Process trees for tests: a shared one for each module, and own ones for tests that stop or kill theirs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from process_tree import Tree


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """Two workers that all tests of a module share: none may stop it."""
    shared = Tree(tmp_path_factory.mktemp("shared"), workers=2)
    try:
        shared.wait_until_started()
        yield shared
    finally:
        shared.end()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Tree]]:
    """Starts a tree of the test's own in its folder; takes settings as keyword arguments."""
    trees: list[Tree] = []

    def start(*arguments: str, **settings: object) -> Tree:
        trees.append(Tree(tmp_path, *arguments, **settings))
        return trees[-1]

    yield start
    try:
        for each in trees:
            each.end()
    finally:
        for each in trees:
            each._sweep()

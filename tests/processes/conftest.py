"""Process trees for tests: a shared one, and own ones for tests that stop or kill theirs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from process_tree import RUN, Tree


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """`python run.py` with two workers, shared by all tests that do not stop it."""
    shared = Tree(tmp_path_factory.mktemp("shared"), program=(*RUN, "--port", "0"), workers=2)
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

"""Process trees for tests: a shared one, and own ones for tests that stop or kill theirs."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from process_tree import LEFT_BEHIND_TASKS, PROCESS_TASKS, RUN, STOPPED_TASKS, Tree, load_tasks, running


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """`python run.py` with two workers, shared by all tests that do not stop it."""
    shared = Tree(tmp_path_factory.mktemp("shared"), program=(*RUN, "--port", "0"), workers=2)
    with running(shared):
        yield shared


@pytest.fixture(scope="session")
def starting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """Three workers on the tasks that start processes, shared by all tests that do not stop them."""
    with pytest.MonkeyPatch.context() as patch:
        # Where it is set already, a worker need not do it.
        patch.delenv("PYTHONUNBUFFERED", raising=False)
        shared = tree_of(PROCESS_TASKS, tmp_path_factory.mktemp("starting"), workers=3)
    with running(shared):
        yield shared


def tree_of(tasks: Path, folder: Path, **settings: Any) -> Tree:
    return Tree(folder, known_tasks=load_tasks(tasks), tasks=tasks, **settings)


@pytest.fixture
def start_starting(tmp_path: Path) -> Iterator[Callable[..., Tree]]:
    """Starts a tree of the test's own on the tasks that start processes."""
    yield from starts(lambda **settings: tree_of(PROCESS_TASKS, tmp_path, **settings))


@pytest.fixture
def start_stopped(tmp_path: Path) -> Iterator[Callable[..., Tree]]:
    """The same on the tasks that are stopped."""
    yield from starts(lambda **settings: tree_of(STOPPED_TASKS, tmp_path, **settings))


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """A server with one worker, so that every job meets what the one before has left."""
    tree = Tree(tmp_path_factory.mktemp("worker"), tasks=LEFT_BEHIND_TASKS)
    with running(tree):
        yield tree


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Tree]]:
    """Starts a tree of the test's own in its folder; takes settings as keyword arguments."""
    yield from starts(lambda *arguments, **settings: Tree(tmp_path, *arguments, **settings))


def starts(make: Callable[..., Tree]) -> Iterator[Callable[..., Tree]]:
    trees: list[Tree] = []

    def start(*arguments: str, **settings: object) -> Tree:
        trees.append(make(*arguments, **settings))
        return trees[-1]

    yield start
    try:
        for each in trees:
            each.end()
    finally:
        for each in trees:
            each._sweep()


@pytest.fixture
def mount() -> Iterator[Callable[..., None]]:
    """Mounts until the end of the test."""
    mounted: list[Path] = []

    def mount(*arguments: str, at: Path) -> None:
        done = subprocess.run(["mount", *arguments, str(at)], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"mounting is not allowed here, which takes root: {done.stderr.strip()}")
        mounted.append(at)

    yield mount
    for each in reversed(mounted):
        # Lazily: this process never closes the lock file beside a database.
        subprocess.run(["umount", "-l", str(each)], check=False, capture_output=True)

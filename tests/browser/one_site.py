"""The program with the tasks of one file, in front of which a browser sits."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from process_tree import RUN, Tree


@contextmanager
def serving(folder: Path, tasks: Path) -> Iterator[Tree]:
    """Started, and ended behind the block."""
    tree = Tree(folder, program=(*RUN, "--port", "0"), tasks=str(tasks), grace_seconds=0.2)
    try:
        tree.wait_until_started()
        yield tree
    finally:
        tree.end()

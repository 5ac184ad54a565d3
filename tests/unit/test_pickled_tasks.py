"""A task is pickled as what it is: by its qualified name, as a function is."""

import copy
import functools
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from asyncinweb.tasks.registry import Options, Task


def as_task(function: object) -> object:
    """As `@task`, without a place in the registry."""
    return Task(function, Options())  # type: ignore[arg-type]


@as_task
def square(number: int) -> int:
    return number * number


class Shapes:
    @staticmethod
    @as_task
    def side(area: float) -> float:
        return area**0.5


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_task_comes_back_as_itself(protocol: int) -> None:
    assert pickle.loads(pickle.dumps(square, protocol)) is square


def test_a_pickled_task_names_only_its_own_module() -> None:
    assert b"asyncinweb" not in pickle.dumps(square)


def test_a_task_in_a_class_comes_back_as_itself() -> None:
    assert pickle.loads(pickle.dumps(Shapes.side)) is Shapes.side


def test_a_task_inside_other_things_comes_back_as_itself() -> None:
    partial, listed = pickle.loads(pickle.dumps((functools.partial(square, 3), [square])))  # type: ignore[arg-type]

    assert partial() == 9
    assert listed[0] is square


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_of_a_task_is_the_task(copied: object) -> None:
    assert copied(square) is square  # type: ignore[operator]


def test_a_task_is_found_by_its_name_in_another_process(tmp_path: Path) -> None:
    (tmp_path / "shapes.py").write_text(
        "from asyncinweb import task\n@task\ndef area(side: int) -> int: return side * side\n"
    )
    dump = "import pickle, shapes, sys; sys.stdout.buffer.write(pickle.dumps(shapes.area))"
    load = "import pickle, sys; print(pickle.load(sys.stdin.buffer)(4))"

    pickled = subprocess.run([sys.executable, "-c", dump], cwd=tmp_path, capture_output=True, check=True).stdout
    answer = subprocess.run(
        [sys.executable, "-c", load], cwd=tmp_path, input=pickled, capture_output=True, check=True
    ).stdout

    assert answer == b"16\n"

"""What the tests of inputs do over and over: make inputs from hints, send them a form, collect refusals."""

import enum
from collections.abc import Callable
from typing import Any

import pytest

from asyncinweb.errors import BadArguments
from asyncinweb.tasks.inputs.model import Inputs


class Colour(enum.Enum):
    DARK_RED = "red"
    BLUE = "blue"


def inputs_of(function: Callable[..., object]) -> Inputs:
    return Inputs.of(function, function.__name__, "tasks.py:7")


def inputs_with(hint: Any, default: Any = ...) -> Inputs:
    """The inputs of a function with one parameter `value`."""

    def report(value): ...

    report.__annotations__ = {"value": hint}
    if default is not ...:
        report.__defaults__ = (default,)
    return inputs_of(report)


def messages(inputs: Inputs, **arguments: object) -> dict[str, str]:
    with pytest.raises(BadArguments) as refused:
        inputs.to_json(arguments)
    assert refused.value.task == inputs.task
    return refused.value.messages


def from_form(inputs: Inputs, **texts: list[str]) -> dict[str, object]:
    """What the function gets for a form that was sent."""
    return inputs.from_json(inputs.to_json(inputs.from_texts(texts)))


def refused(inputs: Inputs, texts: dict[str, list[str]], files: dict[str, list[object]] | None = None) -> Any:
    with pytest.raises(BadArguments) as error:
        inputs.pack(inputs.from_texts(texts, files))
    return error.value.messages

"""What the tests of results do over and over: values that many of them return, and readings of what is kept."""

import dataclasses
import json
from enum import Enum
from typing import Any, NamedTuple

import matplotlib
import pandas
from matplotlib.figure import Figure

from asyncinweb.tasks.outputs.return_value import ReturnValue
from asyncinweb.tasks.outputs.shapes import to_return_value

# Without a screen.
matplotlib.use("Agg")

PNG = b"\x89PNG\r\n\x1a\n..."
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><circle r="1"/></svg>'
FRAME = pandas.DataFrame({"n": [1]})


class Colour(Enum):
    RED = "red"


def kept(value: object) -> Any:
    """What a reader of the stored result gets."""
    return json.loads(to_return_value(value).data)


class Pair(NamedTuple):
    a: object
    b: object


@dataclasses.dataclass
class Report:
    title: str
    content: object


def figure(axes: int = 1) -> Figure:
    found = Figure(figsize=(2, 1))
    found.subplots(1, axes)
    for each in found.axes:
        each.plot([1, 3, 2])
    return found


def tree(value: ReturnValue) -> Any:
    """The shapes of a value and of its parts."""
    if not value.parts:
        return value.shape
    return {name: tree(part) for name, part in value.parts}


def failing(*args: object, **kwargs: object) -> None:
    raise ValueError("no ink")

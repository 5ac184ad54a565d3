"""Results that are kept as JSON: every value, however odd, in its nearest form."""

import collections
import json
import math
import threading
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any

import numpy
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from outputs_room import Colour, kept
from pydantic import BaseModel

from asyncinweb.tasks.outputs.jsonable import safe_repr
from asyncinweb.tasks.outputs.shapes import to_return_value


class Level(IntEnum):
    LOW = 1


@dataclass
class Point:
    x: object
    y: object = 0


class Broken:
    def __repr__(self) -> str:
        raise ValueError("no repr today")


class BrokenMapping(collections.UserDict[str, object]):
    def __iter__(self) -> Any:
        raise RuntimeError("no items today")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"ä": "ö"}, {"ä": "ö"}),
        ((1, (2, 3)), [1, [2, 3]]),
        ([date(2026, 11, 23)], ["2026-11-23"]),
        ([datetime(2026, 11, 23, 18, 30, tzinfo=UTC)], ["2026-11-23T18:30:00+00:00"]),
        ([uuid.UUID(int=1)], ["00000000-0000-0000-0000-000000000001"]),
        ([Decimal("3.50")], ["3.50"]),
        ([Colour.RED], ["red"]),
        ([Level.LOW], [1]),
        (Point(1, Point(2, 3)), {"x": 1, "y": {"x": 2, "y": 3}}),
        (collections.OrderedDict(a=1), {"a": 1}),
        ({"b", "a"}, ["a", "b"]),
        (frozenset(), []),
        ({1: "one", (2, 3): "pair"}, {"1": "one", "(2, 3)": "pair"}),
        (2**53, 2**53),
        (10**30, str(10**30)),
        (-(10**30), str(-(10**30))),
    ],
)
def test_what_json_has_no_word_for_is_kept_in_its_nearest_form_without_a_warning(
    value: object, expected: object
) -> None:
    assert kept(value) == expected
    assert to_return_value(value).warning == ""


# --- arrays and models ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (numpy.int64(5), 5),
        (numpy.float32(0.5), 0.5),
        (numpy.bool_(True), True),
        (numpy.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (numpy.array(7), 7),
        (numpy.array([]), []),
        ({"mean": numpy.float64(1.5), "all": [numpy.int8(1)]}, {"mean": 1.5, "all": [1]}),
        ([numpy.datetime64("2026-01-02T03:04:05", "ns")], ["2026-01-02T03:04:05.000000000"]),
        (numpy.array(["2026-01-02"], dtype="datetime64[D]"), ["2026-01-02"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_numbers_and_arrays_of_numpy_are_plain_values(value: object, expected: object) -> None:
    assert kept(value) == expected
    assert to_return_value(value).warning == ""


def test_a_number_of_numpy_is_a_number() -> None:
    assert to_return_value(numpy.int64(5)).shape == "number"


@pytest.mark.parametrize("value", [numpy.array([float("nan")]), numpy.longdouble(1), numpy.array([1j])])
def test_what_an_array_holds_can_be_odd_too(value: object) -> None:
    output = to_return_value(value)

    assert output.shape == "json"
    assert "Kept as text" in output.warning


def test_an_array_that_contains_itself_has_an_end() -> None:
    array = numpy.array([None, 1], dtype=object)
    array[0] = array

    assert "contains itself" in to_return_value(array).warning


def test_a_pydantic_model_is_its_fields() -> None:
    class Place(BaseModel):
        name: str
        levels: set[int]

    assert kept(Place(name="x", levels={1})) == {"name": "x", "levels": [1]}


def test_an_index_of_pandas_is_still_a_list() -> None:
    assert json.loads(to_return_value(pandas.Index([1, 2])).data) == [1, 2]


# --- odd values -----------------------------------------------------------------------------------------------


def contains_itself() -> list[object]:
    value: list[object] = [1]
    value.append(value)
    return value


def dataclass_that_contains_itself() -> Point:
    value = Point(1)
    value.y = value
    return value


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (math.nan, "NaN"),
        ([math.inf], "infinity"),
        (lambda: 1, "function"),
        ([object()], "object"),
        ([ValueError("bad")], "ValueError"),
        (complex(1, 2), "complex"),
        (Broken(), "Broken"),
        ([Broken(), {"a": Broken()}], "Broken"),
        (Point(threading.Lock()), "lock"),
        (contains_itself(), "contains itself"),
        (dataclass_that_contains_itself(), "contains itself"),
        (nested(100_000), "nested too deeply"),
        (10**5000, "int"),
        ([10**5000], "int"),
        (BrokenMapping(a=1), "BrokenMapping"),
        ((item for item in [1]), "generator"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_an_odd_value_is_kept_as_text_and_the_warning_names_its_type(value: object, named: str) -> None:
    output = to_return_value(value)

    assert output.shape == "json"
    assert named in output.warning
    assert json.loads(output.data)


def test_what_is_not_odd_beside_an_odd_value_is_kept_as_it_is() -> None:
    assert kept({"good": [1, 2], "odd": 1j}) == {"good": [1, 2], "odd": "1j"}
    assert kept(Point(1, threading.Lock()))["x"] == 1


def test_the_same_list_twice_does_not_contain_itself() -> None:
    shared = [1]

    assert kept([shared, shared]) == [[1], [1]]
    assert to_return_value([shared, shared]).warning == ""


def test_an_integer_too_long_to_print_keeps_all_its_digits() -> None:
    assert int(kept(10**5000), 16) == 10**5000


def test_keys_that_look_alike_as_text_do_not_cost_a_value() -> None:
    assert sorted(kept({1: "number", "1": "text"}).values()) == ["number", "text"]


def test_half_a_character_is_shown_as_a_question_mark() -> None:
    assert to_return_value("a\ud800b").data == b"a?b"
    assert kept({"key\ud800": "a\ud800b"}) == {"key?": "a?b"}


def test_a_repr_is_cut_and_never_fails() -> None:
    assert safe_repr("x" * 20_000) == "'" + "x" * 9_999 + "…"
    assert safe_repr(Broken()) == "<Broken, whose repr fails with ValueError>"


odd_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary(max_size=20)
    | st.decimals()
    | st.complex_numbers()
    | st.dates()
    | st.timedeltas()
    | st.uuids()
    | st.builds(Broken)
    | st.builds(Point, st.integers()),
    lambda values: (
        st.lists(values, max_size=4)
        | st.dictionaries(st.text(st.characters(), max_size=3) | st.integers(), values, max_size=4)
        | st.tuples(values, values)
        | st.builds(Point, values, values)
    ),
    max_leaves=10,
)


@given(odd_values)
def test_no_value_makes_it_fail_and_json_is_what_every_browser_reads(value: object) -> None:
    output = to_return_value(value)

    if output.media_type == "application/json":
        json.loads(output.data, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert isinstance(output.data, bytes)

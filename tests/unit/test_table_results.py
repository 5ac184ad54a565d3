"""Results that are tables: DataFrames, arrays and lists of rows of any library, with cells that people read."""

import json
import sqlite3
from datetime import date
from types import SimpleNamespace
from typing import Any

import attr
import numpy
import pandas
import polars
import pyarrow
import pytest
import shapely
import sympy
from outputs_room import FRAME, Pair, Report, failing
from pydantic import BaseModel, Field
from sqlalchemy import create_engine, text

from asyncinweb.tasks.outputs.shapes import to_return_value


class Model(BaseModel):
    a: int
    secret: str = Field("s", exclude=True)


@attr.s(auto_attribs=True)
class Attrs:
    a: int


def records(value: object) -> Any:
    found = to_return_value(value)
    assert (found.shape, found.warning) == ("table", "")
    return json.loads(found.data)


@pytest.mark.parametrize(
    ("frame", "columns", "records"),
    [
        (pandas.DataFrame({"a": [1, 2], "b": ["x", None]}), ["a", "b"], [{"a": 1, "b": "x"}, {"a": 2, "b": None}]),
        (
            pandas.DataFrame({"n": [1.5, float("nan")], "t": [pandas.Timestamp("2026-01-02"), pandas.NaT]}),
            ["n", "t"],
            [{"n": 1.5, "t": "2026-01-02T00:00:00"}, {"n": None, "t": None}],
        ),
        (pandas.DataFrame({"n": pandas.array([1, pandas.NA], dtype="Int64")}), ["n"], [{"n": 1}, {"n": None}]),
        (
            pandas.DataFrame([[1, 2, 3]], columns=["a", "a", "a (2)"]),
            ["a", "a (2)", "a (2) (2)"],
            [{"a": 1, "a (2)": 2, "a (2) (2)": 3}],
        ),
        (
            pandas.DataFrame([[1, 2]], columns=pandas.MultiIndex.from_tuples([("x", "min"), ("y", "")])),
            ["x / min", "y"],
            [{"x / min": 1, "y": 2}],
        ),
        (pandas.DataFrame({"n": [1]}, index=["row"]), ["index", "n"], [{"index": "row", "n": 1}]),
        (
            pandas.DataFrame({"n": [1]}, index=pandas.MultiIndex.from_tuples([("a", 2)], names=["k", None])),
            ["k", "level 1", "n"],
            [{"k": "a", "level 1": 2, "n": 1}],
        ),
        (pandas.DataFrame({"a": []}), ["a"], []),
        (pandas.DataFrame(), [], []),
        (pandas.Series([1, 2], name="n"), ["n"], [{"n": 1}, {"n": 2}]),
        (pandas.DataFrame({"a": [[1, 2]], 5: ["<b>"]}), ["a", "5"], [{"a": [1, 2], "5": "<b>"}]),
        (
            SimpleNamespace(columns=["a", "b"], iter_rows=lambda: iter([(1, "x")])),
            ["a", "b"],
            [{"a": 1, "b": "x"}],
        ),
    ],
    ids=[
        "plain",
        "NaN and NaT",
        "NA",
        "columns of one name",
        "levels of columns",
        "named rows",
        "levels of rows",
        "no rows",
        "nothing",
        "series",
        "lists in cells",
        "as polars does it",
    ],
)
def test_a_dataframe_is_a_table(frame: object, columns: list[str], records: list[dict[str, object]]) -> None:
    output = to_return_value(frame)

    assert (output.shape, list(output.columns), output.rows) == ("table", columns, len(records))
    assert json.loads(output.data) == records
    assert output.warning == ""


def test_a_dataframe_that_cannot_be_read_is_kept_in_words() -> None:
    output = to_return_value(SimpleNamespace(columns=["a"], itertuples=failing, index=None))

    assert output.shape == "text"
    assert "The table could not be read" in output.warning


def test_a_table_has_a_record_in_each_line_so_that_its_beginning_can_be_read() -> None:
    lines = to_return_value([{"a": "x\ny"}, {"b": 2}]).data.decode().splitlines()

    assert lines == ["[", '{"a": "x\\ny"},', '{"b": 2}', "]"]


def test_rows_of_an_odd_kind_of_dict_are_still_kept() -> None:
    class Failing(dict[str, int]):
        def items(self) -> Any:
            raise RuntimeError("no items today")

    assert to_return_value([Failing(a=1)]).shape == "json"


def sqlite_rows() -> list[sqlite3.Row]:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    rows = connection.execute("SELECT 1 AS a, 'x' AS b").fetchall()
    connection.close()
    return rows


def sqlalchemy_rows() -> list[object]:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        rows = list(connection.execute(text("SELECT 1 AS a, 'x' AS b")))
    engine.dispose()
    return rows


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([Report("x", 1), Report("y", 2)], [{"title": "x", "content": 1}, {"title": "y", "content": 2}]),
        ([Model(a=1)], [{"a": 1}]),
        ([Pair(1, "x")], [{"a": 1, "b": "x"}]),
        ([Attrs(1)], [{"a": 1}]),
        (sqlite_rows(), [{"a": 1, "b": "x"}]),
        (sqlalchemy_rows(), [{"a": 1, "b": "x"}]),
        ([], []),
    ],
    ids=["dataclasses", "pydantic", "named tuples", "attrs", "rows of sqlite3", "rows of SQLAlchemy", "no rows"],
)
def test_a_list_of_objects_with_named_members_is_a_table(value: object, expected: object) -> None:
    assert records(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            numpy.array([(1, 2.5, "x")], dtype=[("a", "i4"), ("b", "f8"), ("c", "U3")]),
            [{"a": 1, "b": 2.5, "c": "x"}],
        ),
        (numpy.rec.array([(1, float("nan"))], names="a,b"), [{"a": 1, "b": None}]),
        (
            numpy.array([(1, numpy.datetime64("2026-01-02"))], dtype=[("n", "i4"), ("t", "M8[D]")]),
            [{"n": 1, "t": "2026-01-02"}],
        ),
        (polars.Series("n", [1, None]), [{"n": 1}, {"n": None}]),
        (polars.DataFrame({"n": [1], "t": [date(2026, 1, 2)]}), [{"n": 1, "t": "2026-01-02"}]),
        (pyarrow.table({"a": [1, 2], "b": ["x", None]}), [{"a": 1, "b": "x"}, {"a": 2, "b": None}]),
        (pyarrow.record_batch({"a": [1]}), [{"a": 1}]),
        (
            pyarrow.Table.from_arrays([pyarrow.array([1]), pyarrow.array([2])], names=["a", "a"]),
            [{"a": 1, "a (2)": 2}],
        ),
        (FRAME.style.format("{:.1f} kg"), [{"n": 1}]),
        (pandas.DataFrame({"p": pandas.period_range("2026-01", periods=1, freq="M")}), [{"p": "2026-01"}]),
        (pandas.DataFrame({"g": [shapely.Point(1, 2)]}), [{"g": "POINT (1 2)"}]),
        (pandas.DataFrame({"i": [pandas.Interval(0, 1)]}), [{"i": "(0, 1]"}]),
        ([{"x": sympy.Symbol("x") ** 2}], [{"x": "x**2"}]),
    ],
    ids=[
        "structured array",
        "record array",
        "times in an array",
        "polars Series",
        "polars DataFrame",
        "pyarrow Table",
        "pyarrow RecordBatch",
        "columns of one name",
        "pandas Styler",
        "Period",
        "geometry",
        "Interval",
        "formula",
    ],
)
def test_tables_of_any_library_have_cells_that_people_read(value: object, expected: object) -> None:
    assert records(value) == expected

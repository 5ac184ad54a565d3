"""The table of result shapes, with values of the libraries that tasks use, and the neighbours of each."""

import collections
import dataclasses
import fractions
import io
import ipaddress
import json
import os
import sqlite3
import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import altair
import attr
import matplotlib
import numpy
import pandas
import plotly.graph_objects
import polars
import pyarrow
import pytest
import shapely
import sympy
from bokeh.layouts import column
from bokeh.models import Div
from bokeh.plotting import figure as bokeh_figure
from PIL import Image
from pydantic import BaseModel, Field
from sqlalchemy import create_engine, text

from asyncinweb.tasks.inputs.uploaded import UploadedFile
from asyncinweb.tasks.outputs import documents
from asyncinweb.tasks.outputs.files import media_type_of
from asyncinweb.tasks.outputs.return_value import ReturnValue
from asyncinweb.tasks.outputs.shapes import SHAPES, to_return_value

matplotlib.use("Agg")

from matplotlib.figure import Figure

PNG = b"\x89PNG\r\n\x1a\n..."
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><circle r="1"/></svg>'
FRAME = pandas.DataFrame({"n": [1]})


class Colour(Enum):
    RED = "red"


class Pair(NamedTuple):
    a: object
    b: object


@dataclasses.dataclass
class Report:
    title: str
    content: object


class Model(BaseModel):
    a: int
    secret: str = Field("s", exclude=True)


@attr.s(auto_attribs=True)
class Attrs:
    a: int


def tree(value: ReturnValue) -> Any:
    """The shapes of a value and of its parts."""
    if not value.parts:
        return value.shape
    return {name: tree(part) for name, part in value.parts}


def records(value: object) -> Any:
    found = to_return_value(value)
    assert (found.shape, found.warning) == ("table", "")
    return json.loads(found.data)


def figure(axes: int = 1) -> Figure:
    found = Figure(figsize=(2, 1))
    found.subplots(1, axes)
    return found


# --- several results --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([FRAME, FRAME], {"1": "table", "2": "table"}),
        ((FRAME, figure()), {"1": "table", "2": "image"}),
        ({"a": {"b": FRAME}, "c": 1}, {"a": {"b": "table"}, "c": "number"}),
        (Report("x", FRAME), {"title": "text", "content": "table"}),
        (Pair(1, FRAME), {"a": "number", "b": "table"}),
        ({1: FRAME, date(2026, 1, 2): PNG}, {"1": "table", "2026-01-02": "image"}),
        (collections.deque([PNG, PNG]), {"1": "image", "2": "image"}),
        ([{"name": "x", "plot": figure()}], {"1": {"name": "text", "plot": "image"}}),
        (collections.UserDict(plot=PNG), {"plot": "image"}),
        ({"rows": [{"a": 1}], "n": 1}, {"rows": "table", "n": "number"}),
        ([b"\x00\x01", "words"], {"1": "file", "2": "text"}),
        ({"a": {"b": {"c": [SVG]}}}, {"a": {"b": {"c": {"1": "svg"}}}}),
    ],
    ids=[
        "list",
        "tuple",
        "dict in a dict",
        "dataclass",
        "named tuple",
        "keys that are no text",
        "deque",
        "rows with a figure",
        "a mapping that is no dict",
        "a named table",
        "bytes",
        "deep inside",
    ],
)
def test_a_container_of_things_to_look_at_is_sections_by_name_or_number(value: object, expected: object) -> None:
    found = to_return_value(value)

    assert (found.shape, found.warning) == ("several", "")
    assert tree(found) == expected


def test_sections_say_whether_their_names_are_only_numbers() -> None:
    assert to_return_value([PNG, PNG]).is_numbered
    assert not to_return_value({"1": PNG}).is_numbered


@pytest.mark.parametrize("count", [2, 150])
def test_several_paths_are_several_files(tmp_path: Path, count: int) -> None:
    paths = [tmp_path / f"{number}.csv" for number in range(count)]
    for path in paths:
        path.write_text("a")

    found = to_return_value(paths)

    assert [(part.shape, part.name) for _, part in found.parts] == [("file", path.name) for path in paths]
    assert {part.shape for _, part in to_return_value(set(paths)).parts} == {"file"}


@pytest.mark.parametrize(
    "drawn",
    [
        lambda: (fig := figure(), fig.axes[0]),
        lambda: (fig := figure(2), numpy.array(fig.axes)),
        lambda: numpy.array(figure(2).axes),
        lambda: figure().axes[0].bar([1, 2], [3, 4]),
        lambda: pandas.DataFrame({"a": [1, 2], "b": [1, 2]}).plot(subplots=True, ax=figure(2).axes),
    ],
    ids=["fig, ax", "fig, axes", "axes", "bars", "pandas subplots"],
)
def test_axes_beside_their_figure_are_one_picture(drawn: Callable[[], object]) -> None:
    assert tree(to_return_value(drawn())) == "image"


def test_what_hist_returns_is_its_numbers_and_one_picture() -> None:
    assert tree(to_return_value(figure().axes[0].hist([1, 2, 3]))) == {"1": "json", "2": "json", "3": "image"}


def test_a_container_that_contains_itself_has_an_end() -> None:
    value: list[object] = [PNG]
    value.append(value)

    assert tree(to_return_value(value)) == {"1": "image", "2": "json"}


def test_sections_end_where_they_are_too_deep() -> None:
    value: object = PNG
    for _ in range(10):
        value = [value]

    assert to_return_value(value).shape == "json"


def test_more_results_than_anybody_looks_at_are_kept_with_a_warning_that_says_what_to_do() -> None:
    assert "save_file" in to_return_value([PNG] * 1_001).warning
    assert "save_file" in to_return_value({str(number): FRAME for number in range(1_001)}).warning
    assert to_return_value([1] * 1_001).warning == ""


# --- tables -----------------------------------------------------------------------------------------------------


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


def test_an_index_of_pandas_is_still_a_list() -> None:
    assert json.loads(to_return_value(pandas.Index([1, 2])).data) == [1, 2]


# --- words ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shape", "words"),
    [
        (datetime(2026, 1, 2, 3, 4), "text", "2026-01-02T03:04:00"),
        (uuid.UUID(int=1), "text", "00000000-0000-0000-0000-000000000001"),
        (timedelta(hours=1), "text", "1:00:00"),
        (pandas.Timestamp("2026-01-02"), "text", "2026-01-02T00:00:00"),
        (pandas.Period("2026-01"), "text", "2026-01"),
        (numpy.datetime64("2026-01-02"), "text", "2026-01-02"),
        (Colour.RED, "text", "red"),
        (fractions.Fraction(1, 3), "text", "1/3"),
        (ipaddress.ip_address("10.0.0.1"), "text", "10.0.0.1"),
        (sympy.Symbol("x") ** 2 + 1, "text", "x**2 + 1"),
        (sympy.Matrix([[1, 2]]), "text", "Matrix([[1, 2]])"),
        (sympy.Integer(5), "number", "5"),
        (sympy.solve(sympy.Symbol("x") ** 2 - 2), "json", '["-sqrt(2)", "sqrt(2)"]'),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_words_of_its_own_is_shown_in_them(value: object, shape: str, words: str) -> None:
    found = to_return_value(value)

    assert (found.shape, found.data.decode(), found.warning) == (shape, words, "")


@pytest.mark.parametrize("value", [ValueError("x"), range(10**12), [1j], object()], ids=lambda value: type(value))
def test_what_has_no_words_of_its_own_is_still_its_repr_with_a_warning(value: object) -> None:
    found = to_return_value(value)

    assert found.shape == "json"
    assert "Kept as text" in found.warning


# --- pictures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mode",
    ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "LAB", "HSV", "I", "F"],
)
def test_a_pillow_image_is_a_png_whatever_its_mode(mode: str) -> None:
    found = to_return_value(Image.new(mode, (4, 4)))

    assert (found.shape, found.media_type, found.warning) == ("image", "image/png", "")
    assert Image.open(io.BytesIO(found.data)).size == (4, 4)


@pytest.mark.parametrize(
    ("numbers", "greys"),
    [([0.0, 1.0], [0, 255]), ([0.0, 128.0, 255.0], [0, 128, 255]), ([-5.0, 5.0], [0, 255]), ([7.0, 7.0], [7, 7])],
)
def test_numbers_in_an_image_are_greys_that_can_be_told_apart(numbers: list[float], greys: list[int]) -> None:
    image = Image.new("F", (len(numbers), 1))
    for place, number in enumerate(numbers):
        image.putpixel((place, 0), number)

    drawn = Image.open(io.BytesIO(to_return_value(image).data))

    assert [drawn.getpixel((place, 0)) for place in range(len(numbers))] == greys


def notebook(**methods: Callable[[], object]) -> object:
    return SimpleNamespace(**{f"_repr_{name}_": method for name, method in methods.items()})


def refuse() -> None:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (SVG, "svg"),
        (bytearray(SVG), "svg"),
        (SVG.decode().encode("utf-16"), "svg"),
        ('<?xml version="1.0" encoding="utf-16"?>' + SVG.decode(), "text"),
        (notebook(png=lambda: None, svg=lambda: SVG.decode()), "svg"),
        (notebook(png=refuse, jpeg=lambda: b"\xff\xd8\xff..."), "image"),
        (shapely.Point(1, 2), "svg"),
        ("<svg width='1'></svg>", "svg"),
        ("<svg><g></svg>", "text"),
        (b"<svg><g></svg>", "file"),
        ("<svg xmlns='http://www.w3.org/1999/xhtml'/>", "text"),
    ],
)
def test_a_drawing_is_shown_only_if_a_browser_can_draw_it(value: object, shape: str) -> None:
    assert to_return_value(value).shape == shape


def test_a_drawing_that_lacks_its_namespace_gets_it_and_a_broken_one_says_where() -> None:
    assert to_return_value("<svg width='1'/>").data == b"<svg xmlns=\"http://www.w3.org/2000/svg\" width='1'/>"
    assert "mismatched tag: line 1" in to_return_value("<svg><g></svg>").warning


# --- files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "shape", "media_type"),
    [
        ("a.svg", SVG, "svg", "image/svg+xml"),
        ("a.svgz", b"\x1f\x8b...", "file", "application/gzip"),
        ("false.svg", b"<html>", "file", "image/svg+xml"),
        ("cut.svg", SVG[:40], "file", "image/svg+xml"),
        ("zipped.svg", b"\x1f\x8b...", "file", "image/svg+xml"),
        ("bare.svg", b"<svg/>", "svg", "image/svg+xml"),
        ("a.csv.gz", b"\x1f\x8b...", "file", "application/gzip"),
        ("a.tar.bz2", b"BZh", "file", "application/x-bzip2"),
        ("a.txt.xz", b"\xfd7zXZ", "file", "application/x-xz"),
        ("a.txt.br", b"...", "file", "application/octet-stream"),
    ],
)
def test_a_file_is_what_is_in_it_not_what_its_name_pretends(
    tmp_path: Path, name: str, content: bytes, shape: str, media_type: str
) -> None:
    (tmp_path / name).write_bytes(content)

    found = to_return_value(tmp_path / name)

    assert (found.shape, found.media_type, found.name) == (shape, media_type, name)


def test_the_type_of_a_name_without_a_known_end_is_unknown() -> None:
    assert media_type_of("") == media_type_of("a.unheard-of") == "application/octet-stream"


def test_an_uploaded_file_is_the_file_under_the_name_that_its_visitor_gave_it(tmp_path: Path) -> None:
    (tmp_path / "9f86d0").write_bytes(b"a,b\n")
    file = UploadedFile(tmp_path / "9f86d0", "Orders 2026.csv", 4, "9f86d0")

    alone, listed = to_return_value(file), to_return_value({"file": file, "n": 1})

    assert (alone.shape, alone.name, alone.media_type) == ("file", "Orders 2026.csv", "text/csv")
    assert listed.parts[0][1] == alone


@pytest.mark.parametrize(
    "value",
    [
        lambda path: path / "gone.csv",
        lambda path: [path / "gone.csv"],
        lambda path: {"a": {"b": path / "gone.csv"}},
        lambda path: next(iter([entry for entry in os.scandir(path) if entry.name == "folder"])),
        lambda path: SimpleNamespace(file=path / "gone.csv"),
        lambda path: closed(path / "a.txt"),
        lambda path: [UploadedFile(path / "gone", "a.csv", 1, "ab")],
    ],
    ids=["a path", "in a list", "deep inside", "an entry of a folder", "in a repr", "a closed file", "an upload"],
)
def test_no_value_shows_where_a_file_is_on_the_server(tmp_path: Path, value: Callable[[Path], object]) -> None:
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "folder").mkdir()

    found = to_return_value(value(tmp_path))

    shown = str([part.data for _, part in found.parts] or found.data) + found.warning
    assert str(tmp_path) not in shown
    assert any(name in shown for name in ("gone.csv", "folder", "a.txt", "a.csv", "gone"))


def closed(path: Path) -> object:
    with path.open() as file:
        return file


# --- figures that move ------------------------------------------------------------------------------------------


def bokeh_plot() -> Any:
    plot = bokeh_figure(width=300, height=200, title="</script><script>alert(1)</script>")
    plot.line([1, 2], [3, 4])
    return plot


@pytest.mark.parametrize(
    "made",
    [
        lambda: plotly.graph_objects.Figure(
            plotly.graph_objects.Scatter(y=[1, 2], name="</script><script>alert(1)")
        ),
        bokeh_plot,
        lambda: column(bokeh_plot(), Div(text="words")),
    ],
    ids=["plotly", "bokeh", "bokeh layout"],
)
def test_a_figure_that_moves_is_a_document_with_the_hashes_of_its_scripts(made: Callable[[], object]) -> None:
    found = to_return_value(made())

    assert (found.shape, found.media_type, found.warning) == ("html", "text/html", "")
    assert found.data.count(b"<script>") == found.data.count(b"</script>") - 1 == len(found.script_hashes)
    assert b"src=" not in found.data.split(b"<script>")[0]
    assert b"alert(1)" not in found.data.split(b"</script>", 1)[1]


@pytest.mark.parametrize(("height", "pixels"), [(None, 480), (300, 300), (10, 160), (9_000, 1_600)])
def test_a_figure_that_moves_has_its_own_height_within_reason(height: int | None, pixels: int) -> None:
    assert to_return_value(plotly.graph_objects.Figure(layout={"height": height})).height == pixels


def test_a_library_script_that_could_end_its_element_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plotly.offline.get_plotlyjs", lambda: "x = '</script>'")

    found = to_return_value(plotly.graph_objects.Figure())

    assert (found.shape, "could not be drawn" in found.warning) == ("text", True)


def chart() -> Any:
    return altair.Chart(pandas.DataFrame({"a": [1]})).mark_bar().encode(x="a")


def test_an_altair_chart_is_a_drawing() -> None:
    found = to_return_value(chart())

    assert (found.shape, found.warning) == ("svg", "")


def test_an_altair_chart_that_nothing_here_can_draw_is_a_download_that_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    value = chart()
    monkeypatch.setitem(__import__("sys").modules, "vl_convert", None)

    found = to_return_value(value)

    assert (found.shape, found.media_type, found.name) == ("file", "text/html", "chart.html")
    assert "vl-convert-python" in found.warning


def test_the_table_of_shapes_tries_functions_of_the_families_in_one_visible_order() -> None:
    families = [shape.__module__.rpartition(".")[2] for shape in SHAPES]

    assert set(families) == {"texts", "images", "files", "tables", "dataframes", "documents", "shapes"}
    assert documents.plotly_figure in SHAPES
    assert len(set(SHAPES)) == len(SHAPES)

"""What tasks return besides plain values: figures, DataFrames, arrays, files, Markdown, several named results."""

import io
import json
from collections import UserDict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib
import numpy
import pandas
import pytest
from pydantic import BaseModel

from asyncinweb import Markdown
from asyncinweb.tasks.outputs.files import file_name
from asyncinweb.tasks.outputs.return_value import ReturnValue
from asyncinweb.tasks.outputs.shapes import to_return_value

matplotlib.use("Agg")

from matplotlib.figure import Figure

PNG = b"\x89PNG\r\n\x1a\n..."


def kept(value: object) -> Any:
    return json.loads(to_return_value(value).data)


def figure() -> Figure:
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([1, 3, 2])
    return figure


# --- pictures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "drawn",
    [
        figure,
        lambda: figure().axes[0],
        lambda: pandas.Series([1, 2]).plot(ax=figure().axes[0]),
        lambda: SimpleNamespace(savefig=lambda file, format: file.write(PNG)),
        lambda: SimpleNamespace(_repr_png_=lambda: PNG),
    ],
    ids=["figure", "axes", "pandas plot", "anything with savefig", "anything that notebooks show"],
)
def test_what_can_draw_itself_is_an_image(drawn: Callable[[], object]) -> None:
    output = to_return_value(drawn())

    assert (output.shape, output.media_type, output.warning) == ("image", "image/png", "")
    assert output.data.startswith(b"\x89PNG")


def failing(*args: object, **kwargs: object) -> None:
    raise ValueError("no ink")


@pytest.mark.parametrize("savefig", [failing, lambda *args, **kwargs: None], ids=["raises", "draws nothing"])
def test_a_figure_that_cannot_be_drawn_is_kept_in_words(savefig: object) -> None:
    output = to_return_value(SimpleNamespace(savefig=savefig))

    assert output.shape == "text"
    assert "The picture could not be drawn" in output.warning
    assert b"namespace(savefig=" in output.data


def test_a_savefig_that_cannot_be_called_is_nothing_special() -> None:
    assert to_return_value(SimpleNamespace(savefig=5)).shape == "json"


@pytest.mark.parametrize(
    "text",
    [
        "<svg></svg>",
        '<?xml version="1.0"?>\n<!-- made by a tool -->\n<!DOCTYPE svg PUBLIC "x" "y">\n<svg a="b"></svg>\n',
    ],
)
def test_a_drawing_is_known_behind_its_prolog(text: str) -> None:
    assert to_return_value(text).shape == "svg"


# --- tables -----------------------------------------------------------------------------------------------------


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


def test_a_table_has_a_record_in_each_line_so_that_its_beginning_can_be_read_by_itself() -> None:
    lines = to_return_value([{"a": "x\ny"}, {"b": 2}]).data.decode().splitlines()

    assert lines == ["[", '{"a": "x\\ny"},', '{"b": 2}', "]"]


def test_rows_of_an_odd_kind_of_dict_are_still_kept() -> None:
    class Failing(dict[str, int]):
        def items(self) -> Any:
            raise RuntimeError("no items today")

    assert to_return_value([Failing(a=1)]).shape == "json"


# --- arrays and models ------------------------------------------------------------------------------------------


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


# --- files ------------------------------------------------------------------------------------------------------


def test_a_path_is_a_file_that_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "Bericht 2026.pdf"
    path.write_bytes(b"%PDF")

    output = to_return_value(path)

    assert output == ReturnValue(
        "file", "application/pdf", "pdf", source=path, source_bytes=4, name="Bericht 2026.pdf"
    )
    assert output.size == 4


@pytest.mark.parametrize(
    ("name", "content", "shape", "media_type"),
    [
        ("a.png", PNG, "image", "image/png"),
        ("no suffix", PNG, "image", "image/png"),
        ("a.svg", b"<svg></svg>", "svg", "image/svg+xml"),
        ("a.html", b"<script>", "file", "text/html"),
        ("a.unheard-of", b"", "file", "application/octet-stream"),
    ],
)
def test_a_file_is_shown_by_what_is_in_it(
    tmp_path: Path, name: str, content: bytes, shape: str, media_type: str
) -> None:
    (tmp_path / name).write_bytes(content)

    output = to_return_value(tmp_path / name)

    assert (output.shape, output.media_type, output.name) == (shape, media_type, name)


@pytest.mark.parametrize("name", ["missing.txt", ".", "x\0y"])
def test_a_path_without_a_file_is_kept_as_text(tmp_path: Path, name: str) -> None:
    output = to_return_value(tmp_path / name)

    assert (output.shape, output.data.decode()) == ("text", (tmp_path / name).name)
    assert "only its name is kept" in output.warning


def at_its_end(file: Any, content: Any) -> Any:
    file.write(content)
    return file


@pytest.mark.parametrize(
    ("opened", "shape", "data", "suffix"),
    [
        (lambda: at_its_end(io.BytesIO(), b"\x00\x01"), "file", b"\x00\x01", "bin"),
        (lambda: at_its_end(io.BytesIO(), PNG), "image", PNG, "png"),
        (lambda: at_its_end(io.StringIO(), "größer"), "file", "größer".encode(), "txt"),
        (lambda: SimpleNamespace(read=lambda size: b"abc", name="a/b/Report.CSV"), "file", b"abc", "csv"),
    ],
    ids=["bytes", "a picture", "text", "anything with read"],
)
def test_an_open_file_is_read_from_its_beginning(
    opened: Callable[[], object], shape: str, data: bytes, suffix: str
) -> None:
    output = to_return_value(opened())

    assert (output.shape, output.data, output.suffix, output.warning) == (shape, data, suffix, "")


def test_an_open_file_keeps_its_name(tmp_path: Path) -> None:
    with (tmp_path / "räport.txt").open("w+") as file:
        file.write("text")

        assert (to_return_value(file).name, to_return_value(file).data) == ("räport.txt", b"text")


def test_no_more_is_read_of_an_open_file_than_is_needed_to_refuse_it() -> None:
    assert to_return_value(io.BytesIO(b"x" * 100), most_bytes=10).size == 11


def test_a_closed_file_is_kept_in_words() -> None:
    file = io.BytesIO(b"x")
    file.close()

    assert "The file could not be read" in to_return_value(file).warning


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("report.csv", "report.csv"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a\r\nSet-Cookie: x.txt", "a__Set-Cookie_ x.txt"),
        ("a\u202etxt.exe", "a_txt.exe"),
        ("..", ""),
        ("", ""),
        (".bashrc", "bashrc"),
        ("a\ud800.txt", "a_.txt"),
        ("x" * 300 + ".pdf", "x" * 100 + ".pdf"),
        ("x." + "y" * 300, "x." + "y" * 98),
    ],
)
def test_the_name_of_a_download_names_a_file_and_nothing_else(given: str, expected: str) -> None:
    assert file_name(given) == expected


# --- Markdown and several results -------------------------------------------------------------------------------


def test_markdown_is_marked_by_its_type() -> None:
    assert to_return_value(Markdown("# Done")).shape == "markdown"
    assert to_return_value("# Done").shape == "text"


def shapes(output: ReturnValue) -> dict[str, str]:
    return {name: part.shape for name, part in output.parts}


def test_a_dict_with_something_to_look_at_is_several_results(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    output = to_return_value(
        {
            "Plot": figure(),
            "Rows": [{"a": 1}],
            "Frame": pandas.DataFrame({"a": [1]}),
            "Notes": Markdown("*x*"),
            "Drawing": "<svg></svg>",
            "File": tmp_path / "a.txt",
            "Bytes": b"\x00",
            "Count": 5,
            "Text": "words",
            "Facts": {"deep": {"b": 1}},
            "Nothing": None,
        }
    )

    assert output.shape == "several"
    assert shapes(output) == {
        "Plot": "image",
        "Rows": "table",
        "Frame": "table",
        "Notes": "markdown",
        "Drawing": "svg",
        "File": "file",
        "Bytes": "file",
        "Count": "number",
        "Text": "text",
        "Facts": "json",
        "Nothing": "none",
    }
    assert output.size == sum(part.size for _, part in output.parts)


@pytest.mark.parametrize(
    "value",
    [
        {"a": 1, "b": "text", "c": {"d": [1]}, "e": None},
        {},
        UserDict(a=1),
        {"a": {"b": [{"c": 1}]}},
        {"a": [], "b": ()},
        [[{"a": 1}], [{"b": 2}]],
    ],
    ids=[
        "only plain values",
        "empty",
        "no dict",
        "plain rows further inside",
        "empty lists",
        "lists of plain rows",
    ],
)
def test_what_json_can_say_is_json(value: object) -> None:
    assert to_return_value(value).shape == "json"


def test_one_odd_part_does_not_cost_the_others() -> None:
    output = to_return_value({"bad": SimpleNamespace(savefig=failing), "good": PNG, "odd": {1j}})

    assert shapes(output) == {"bad": "text", "good": "image", "odd": "json"}
    assert [bool(part.warning) for _, part in output.parts] == [True, False, True]

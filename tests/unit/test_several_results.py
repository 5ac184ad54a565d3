"""Containers of things to look at: sections by name or number, one inside the other."""

import collections
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pandas
import pytest
from outputs_room import FRAME, PNG, SVG, Pair, Report, failing, figure, tree

from asyncinweb import Markdown
from asyncinweb.tasks.outputs.shapes import to_return_value


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


def test_more_results_than_anybody_looks_at_are_kept_with_the_better_way() -> None:
    assert "save_file" in to_return_value([PNG] * 1_001).warning
    assert "save_file" in to_return_value({str(number): FRAME for number in range(1_001)}).warning
    assert to_return_value([1] * 1_001).warning == ""


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
    assert tree(output) == {
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


def test_one_odd_part_does_not_cost_the_others() -> None:
    output = to_return_value({"bad": SimpleNamespace(savefig=failing), "good": PNG, "odd": {1j}})

    assert tree(output) == {"bad": "text", "good": "image", "odd": "json"}
    assert [bool(part.warning) for _, part in output.parts] == [True, False, True]

"""The shape of each value, and the table that decides it."""

import fractions
import ipaddress
import uuid
from collections import UserDict
from datetime import UTC, date, datetime, timedelta

import numpy
import pandas
import pytest
import sympy
from outputs_room import PNG, Colour

from asyncinweb import Markdown
from asyncinweb.tasks.outputs import documents
from asyncinweb.tasks.outputs.shapes import SHAPES, to_return_value


@pytest.mark.parametrize(
    ("value", "shape", "media_type", "suffix"),
    [
        (None, "none", "application/json", "json"),
        ("a text", "text", "text/plain", "txt"),
        ("", "text", "text/plain", "txt"),
        (5, "number", "application/json", "json"),
        (0.5, "number", "application/json", "json"),
        (True, "json", "application/json", "json"),
        ({"a": [1]}, "json", "application/json", "json"),
        ([], "table", "application/json", "json"),
        ([{"a": 1}, {"b": "x"}], "table", "application/json", "json"),
        ([{"a": [1]}], "json", "application/json", "json"),
        ([{}], "json", "application/json", "json"),
        ([{"a": 1}, 5], "json", "application/json", "json"),
        (PNG, "image", "image/png", "png"),
        (bytearray(PNG), "image", "image/png", "png"),
        (memoryview(PNG), "image", "image/png", "png"),
        (b"\xff\xd8\xff...", "image", "image/jpeg", "jpg"),
        (b"GIF89a...", "image", "image/gif", "gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image", "image/webp", "webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "file", "application/octet-stream", "bin"),
        (b"%PDF-1.7", "file", "application/octet-stream", "bin"),
        (b"", "file", "application/octet-stream", "bin"),
        ("<svg><g/></svg>", "svg", "image/svg+xml", "svg"),
        (" \n<svg xmlns='http://www.w3.org/2000/svg' width='1'/>\n", "svg", "image/svg+xml", "svg"),
        (date(2026, 11, 23), "text", "text/plain", "txt"),
        (datetime(2026, 11, 23, 18, 30, tzinfo=UTC), "text", "text/plain", "txt"),
        (uuid.UUID(int=1), "text", "text/plain", "txt"),
        (Colour.RED, "text", "text/plain", "txt"),
        ("<svgnot></svg>", "text", "text/plain", "txt"),
        ("<svgs> are words", "text", "text/plain", "txt"),
    ],
)
def test_a_value_has_a_shape(value: object, shape: str, media_type: str, suffix: str) -> None:
    output = to_return_value(value)

    assert (output.shape, output.media_type, output.suffix) == (shape, media_type, suffix)
    assert output.warning == ""


@pytest.mark.parametrize("data", [PNG, b"", b"\x00\xff"])
def test_bytes_are_kept_to_the_byte(data: bytes) -> None:
    assert to_return_value(data).data == data


def test_markdown_is_marked_by_its_type() -> None:
    assert to_return_value(Markdown("# Done")).shape == "markdown"
    assert to_return_value("# Done").shape == "text"


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


def test_the_table_of_shapes_tries_functions_of_the_families_in_one_visible_order() -> None:
    families = [shape.__module__.rpartition(".")[2] for shape in SHAPES]

    assert set(families) == {"texts", "images", "files", "tables", "dataframes", "documents", "shapes"}
    assert documents.plotly_figure in SHAPES
    assert len(set(SHAPES)) == len(SHAPES)

"""The demo tasks as plain functions: what they return is really what they say it is."""

import re
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import combinations, pairwise, permutations
from math import dist
from typing import Any
from xml.etree import ElementTree

import pytest

from asyncinweb.tasks import demo
from asyncinweb.tasks.current import FileData, running_as
from asyncinweb.tasks.demo import flaky, route
from asyncinweb.tasks.demo.csv_checkup import csv_checkup
from asyncinweb.tasks.demo.flaky import flaky_import
from asyncinweb.tasks.demo.julia import julia
from asyncinweb.tasks.demo.route import round_trip
from asyncinweb.tasks.demo.waiting import hello, long_wait
from asyncinweb.tasks.demo.words import word_counts
from asyncinweb.tasks.outputs.shapes import to_return_value
from asyncinweb.tasks.registry import registry

SVG = "{http://www.w3.org/2000/svg}"
Point = tuple[float, float]


@dataclass
class FakeRunning:
    """Stands in for a worker and remembers what the task says."""

    attempt: int = 1
    slug: str = "demo"
    cancelled: bool = False
    reports: list[tuple[float, float | None, str]] = field(default_factory=list)

    def progress(self, done: float, total: float | None, text: str) -> None:
        self.reports.append((done, total, text))

    def log(self, text: str) -> None: ...

    def save_file(self, name: str, data_or_path: FileData) -> None: ...

    def shield(self) -> AbstractContextManager[None]:
        return nullcontext()


@contextmanager
def running(attempt: int = 1) -> Iterator[FakeRunning]:
    fake = FakeRunning(attempt)
    with running_as(fake):
        yield fake


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The sleeps that the tasks wanted; none of them happens."""
    wanted: list[float] = []
    monkeypatch.setattr(time, "sleep", wanted.append)
    return wanted


@pytest.fixture
def little_effort(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(route.TRIES, "quick", 20_000)


# Registration


def test_the_demo_tasks_are_registered_in_the_order_of_the_home_page() -> None:
    ours = [task for task in registry.tasks.values() if task.function.__module__.startswith(f"{demo.__name__}.")]

    assert [task.name for task in ours if not task.options.hidden] == [
        "julia",
        "round_trip",
        "csv_checkup",
        "word_counts",
        "flaky_import",
        "long_wait",
    ]
    assert [task.name for task in ours if task.options.hidden] == ["hello"]


@pytest.mark.parametrize(
    "name", ["julia", "round_trip", "csv_checkup", "word_counts", "flaky_import", "long_wait", "hello"]
)
def test_a_demo_task_can_be_started_without_filling_in_anything(name: str) -> None:
    task = registry[name]
    shown = {field.name: field.default for field in task.inputs.fields}

    assert task.inputs.to_json(task.inputs.from_texts(shown)) == task.inputs.to_json({})


# julia


def pixels_of(png: bytes) -> tuple[int, int, list[list[bytes]]]:
    """Width, height and rows of three-byte pixels, after checking every chunk."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks: dict[bytes, bytes] = {}
    at = 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length]) == (zlib.crc32(kind + data),)
        chunks[kind] = data
        at += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, *kind_of_png = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert kind_of_png == [8, 2, 0, 0, 0]
    data, stride = zlib.decompress(chunks[b"IDAT"]), 1 + 3 * width
    assert len(data) == height * stride
    lines = [data[start : start + stride] for start in range(0, len(data), stride)]
    assert {line[0] for line in lines} == {0}
    return width, height, [[line[at : at + 3] for at in range(1, stride, 3)] for line in lines]


@pytest.mark.parametrize(("width", "height"), [(64, 40), (45, 33)])
def test_julia_is_a_png_of_the_wanted_size_with_many_colours(width: int, height: int) -> None:
    picture = julia(width, height)

    assert to_return_value(picture).media_type == "image/png"
    found_width, found_height, rows = pixels_of(picture)
    assert (found_width, found_height) == (width, height)
    assert len({pixel for row in rows for pixel in row}) > 50


@pytest.mark.parametrize("height", [40, 33])
def test_julia_looks_the_same_turned_by_half_a_turn(height: int) -> None:
    _, _, rows = pixels_of(julia(48, height, "ice", "galaxy"))

    assert rows == [row[::-1] for row in rows[::-1]]
    assert rows != rows[::-1]


def test_julia_glows_in_the_middle_of_a_dark_picture() -> None:
    _, _, rows = pixels_of(julia(64, 40, "fire", "spirals"))

    corners = [rows[y][x] for y in (0, -1) for x in (0, -1)]
    assert max(sum(pixel) for pixel in corners) < 150
    assert max(sum(pixel) for row in rows[10:30] for pixel in row[16:48]) > 500


def test_julia_shows_the_whole_shape_in_a_very_wide_picture() -> None:
    _, _, rows = pixels_of(julia(640, 32))

    # Far to the left and right there is nothing but the darkest colour; the shape is in the middle.
    assert {pixel for row in rows for pixel in row[:200] + row[-200:]} == {bytes.fromhex("0c0509")}
    assert len({pixel for row in rows for pixel in row[280:360]}) > 50


def test_julia_differs_by_shape_and_by_colours() -> None:
    pictures = {julia(32, 32, "fire"), julia(32, 32, "dusk"), julia(32, 32, "fire", "whirlpools")}

    assert len(pictures) == 3


def test_julia_counts_its_rows_as_progress() -> None:
    with running() as job:
        julia(32, 41)

    assert [done for done, _, _ in job.reports] == list(range(22))
    assert {total for _, total, _ in job.reports} == {21}


# round_trip


def stops_of(svg: str) -> list[Point]:
    """The corners of the drawn trip, in order."""
    polygon = ElementTree.fromstring(svg).find(f".//{SVG}polygon")
    assert polygon is not None
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in polygon.attrib["points"].split())]


def cities_of(svg: str) -> list[Point]:
    return [(float(each.attrib["cx"]), float(each.attrib["cy"])) for each in circles_of(svg)]


def circles_of(svg: str) -> list[ElementTree.Element]:
    return ElementTree.fromstring(svg).findall(f".//{SVG}circle")


def length_of(stops: list[Point]) -> float:
    return sum(dist(a, b) for a, b in pairwise([*stops, stops[0]]))


def kilometres(text: str) -> int:
    found = re.search(r"([\d,]+) km", text)
    assert found
    return int(found[1].replace(",", ""))


@pytest.mark.usefixtures("little_effort")
def test_the_round_trip_visits_each_city_once() -> None:
    svg = round_trip(30, "quick", 1)

    stops = stops_of(svg)
    assert len(stops) == len(set(stops)) == 30
    assert sorted(stops) == sorted(cities_of(svg))


@pytest.mark.usefixtures("little_effort")
def test_the_round_trip_is_much_shorter_than_the_random_start(capsys: pytest.CaptureFixture[str]) -> None:
    svg = round_trip(40, "quick", 2)

    first, _, last = capsys.readouterr().out.splitlines()
    drawn = length_of(stops_of(svg))
    assert drawn < kilometres(first) / 2
    assert round(drawn) == kilometres(last)


@pytest.mark.usefixtures("little_effort")
def test_the_title_of_the_drawing_tells_the_length_that_is_drawn() -> None:
    svg = round_trip(12, "quick", 3)

    title = ElementTree.fromstring(svg).findtext(f"{SVG}title") or ""
    assert title.startswith("Round trip through 12 cities, ")
    assert kilometres(title) == round(length_of(stops_of(svg)))


@pytest.mark.usefixtures("little_effort")
@pytest.mark.parametrize("seed", range(4))
def test_a_small_round_trip_is_the_shortest_there_is(seed: int) -> None:
    home, *others = stops = stops_of(round_trip(7, "quick", seed))

    shortest = min(length_of([home, *order]) for order in permutations(others))
    assert length_of(stops) == pytest.approx(shortest)


@pytest.mark.usefixtures("little_effort")
def test_no_two_roads_of_a_round_trip_cross() -> None:
    stops = stops_of(round_trip(50, "quick", 4))

    def side(a: Point, b: Point, c: Point) -> float:
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    def cross(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
        return side(*one, other[0]) * side(*one, other[1]) < 0 and side(*other, one[0]) * side(*other, one[1]) < 0

    roads = list(pairwise([*stops, stops[0]]))
    assert len(roads) == 50
    assert not [pair for pair in combinations(roads, 2) if cross(*pair)]


@pytest.mark.usefixtures("little_effort")
def test_the_printed_map_number_gives_the_same_trip_again(capsys: pytest.CaptureFixture[str]) -> None:
    svg = round_trip(10, "quick")
    found = re.search(r"Map (\d+) has", capsys.readouterr().out)
    assert found

    assert round_trip(10, "quick", int(found[1])) == svg
    assert round_trip(10, "quick", int(found[1]) + 1) != svg


@pytest.mark.usefixtures("little_effort")
def test_the_drawing_is_an_svg_that_a_strict_page_may_show() -> None:
    svg = round_trip(8, "quick", 5)

    assert to_return_value(svg).shape == "svg"
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    _, _, width, height = root.attrib["viewBox"].split()
    background = root[1].attrib
    assert (background["width"], background["height"]) == (width, height)
    for element in root.iter():
        assert element.tag not in (f"{SVG}script", f"{SVG}style", f"{SVG}foreignObject")
        assert not [name for name in element.attrib if name == "style" or name.startswith("on") or "href" in name]


@pytest.mark.usefixtures("little_effort")
def test_the_round_trip_tells_its_length_as_progress() -> None:
    with running() as job:
        svg = round_trip(20, "quick", 6)

    lengths = [kilometres(text) for _, _, text in job.reports]
    assert job.reports[-1][0] == job.reports[-1][1]
    assert lengths[0] > lengths[-1] >= round(length_of(stops_of(svg)))


# csv_checkup

STAFF = """\
id,name,born,score
1,Ada,1990-05-01,10
2,Bo,1985-12-24,
3,"Cy, Jr.",1999-01-31,2.5

1,Ada,1990-05-01,10
4,Dee,yesterday,7
5,Eve,2001-02-03
"""


def test_a_table_is_summed_up_column_by_column(capsys: pytest.CaptureFixture[str]) -> None:
    assert columns_of(STAFF) == [
        {
            "column": "id",
            "type": "number",
            "filled": 6,
            "empty": 0,
            "distinct": 5,
            "min": 1,
            "max": 5,
            "mean": 2.667,
            "longest": None,
        },
        {
            "column": "name",
            "type": "text",
            "filled": 6,
            "empty": 0,
            "distinct": 5,
            "min": None,
            "max": None,
            "mean": None,
            "longest": "Cy, Jr.",
        },
        {
            "column": "born",
            "type": "date",
            "filled": 6,
            "empty": 0,
            "distinct": 5,
            "min": "1985-12-24",
            "max": "2001-02-03",
            "mean": None,
            "longest": None,
        },
        {
            "column": "score",
            "type": "number",
            "filled": 4,
            "empty": 2,
            "distinct": 3,
            "min": 2.5,
            "max": 10,
            "mean": 7.375,
            "longest": None,
        },
    ]
    assert capsys.readouterr().out.splitlines() == [
        "Rows: 6. Columns: 4. Separated by: comma.",
        "Line 8 has 3 cells instead of 4.",
        "Line 6 is the same as line 2.",
        "Column 'born', line 7: 'yesterday' doesn't fit. The other cells are dates written year-month-day.",
    ]


def columns_of(*arguments: object, **named: object) -> Any:
    return csv_checkup(*arguments, **named)["Columns"]  # type: ignore[arg-type]


def types_of(table: list[dict[str, object]]) -> dict[object, object]:
    return {row["column"]: row["type"] for row in table}


def test_the_sample_table_shows_every_kind_of_finding(capsys: pytest.CaptureFixture[str]) -> None:
    assert types_of(columns_of()) == {
        "order": "number",
        "date": "date",
        "customer": "text",
        "postcode": "text",
        "quantity": "number",
        "price": "number",
    }
    assert capsys.readouterr().out.splitlines()[1:] == [
        "Line 10 has 5 cells instead of 6.",
        "Line 8 is the same as line 4.",
        "Column 'date', line 7: '04.03.2026' doesn't fit. The other cells are dates written year-month-day.",
        "Column 'quantity', line 11: '1O' doesn't fit. The other cells are numbers with a decimal point.",
        "Column 'price', line 9: 'n/a' doesn't fit. The other cells are numbers with a decimal point.",
    ]


@pytest.mark.parametrize(("sign", "name"), [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "pipe")])
def test_the_delimiter_is_found(sign: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert types_of(columns_of(f"a{sign}b\n1{sign}x\n2{sign}y\n")) == {"a": "number", "b": "text"}
    assert f"Separated by: {name}." in capsys.readouterr().out


def test_decimal_commas_do_not_hide_the_semicolons() -> None:
    (item, price) = columns_of("item;price\npen;1,50\nink;12,25\npad;3,00\n")

    assert item["type"] == "text"
    assert (price["min"], price["max"], price["mean"]) == (1.5, 12.25, 5.583)


def test_a_column_that_can_be_read_in_two_ways_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    (_, day) = columns_of("n,day\n1,01/02/2026\n2,03/02/2026\n")

    assert (day["min"], day["max"]) == ("2026-02-01", "2026-02-03")
    assert (
        "Column 'day' was read as dates written day/month/year, but dates written month/day/year would fit too."
        in capsys.readouterr().out.splitlines()
    )


def test_numbers_with_leading_zeros_are_text() -> None:
    assert types_of(columns_of("zip,n\n10115,1\n01067,2\n20095,3\n80331,4\n"))["zip"] == "text"


def test_a_table_without_column_names_gets_numbered_ones() -> None:
    rows = columns_of("1;x\n2;y\n", header=False)

    assert [(row["column"], row["filled"]) for row in rows] == [("column 1", 2), ("column 2", 2)]


def test_missing_and_repeated_column_names_are_made_up_for() -> None:
    rows = columns_of("a,,a\n1,2,3,4\n5,6,7,8\n")

    assert [row["column"] for row in rows] == ["a", "column 2", "a (3)", "column 4"]


def test_an_empty_column_is_called_empty() -> None:
    (_, empty) = columns_of("a,b\n1,\n2, \n")

    assert (empty["type"], empty["filled"], empty["empty"], empty["longest"]) == ("empty", 0, 2, None)


def test_a_cell_of_several_lines_counts_as_one_row(capsys: pytest.CaptureFixture[str]) -> None:
    columns_of('\ufeffa,b\r\n1,"two\r\nlines"\r\n2\r\n', "comma")

    assert "Line 4 has 1 cell instead of 2." in capsys.readouterr().out.splitlines()


def test_many_findings_of_a_kind_are_cut_short(capsys: pytest.CaptureFixture[str]) -> None:
    columns_of("a,b\n" + "1,2\n" * 31)

    lines = capsys.readouterr().out.splitlines()
    assert sum("is the same as line 2." in line for line in lines) == 20
    assert lines[-1] == "… and 10 more like this."


@pytest.mark.parametrize(
    ("text", "delimiter", "message"),
    [
        ("", "auto", "The table is empty"),
        (" \n\t\n", "auto", "The table is empty"),
        (",,\n,,\n", "comma", "every cell is blank"),
        ("a,b,c\n", "auto", "The table has only one row"),
        ("Dear all,\nthe meeting is on Monday.\nSee you there!\n", "auto", "doesn't look like a table"),
        (
            'a,b\n1,2\n"3,4\n5,6\n',
            "auto",
            "Can't read the row that starts on line 3. It probably has a missing or extra quotation mark.",
        ),
        ('a,b\n1,"' + "x" * 140_000, "auto", "Can't read the row that starts on line 2."),
    ],
)
def test_what_is_no_table_is_refused_in_words(text: str, delimiter: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        columns_of(text, delimiter)  # type: ignore[arg-type]


# word_counts


def test_words_are_counted_whatever_their_capitals_and_punctuation() -> None:
    assert word_counts("Tea, tea & TEA!\nDon't spill the tea-pot: 3 cups.", 1, ["The"]) == [
        {"word": "tea", "count": 3, "share in %": 37.5},
        {"word": "cups", "count": 1, "share in %": 12.5},
        {"word": "don't", "count": 1, "share in %": 12.5},
        {"word": "spill", "count": 1, "share in %": 12.5},
        {"word": "tea-pot", "count": 1, "share in %": 12.5},
    ]


def test_short_words_are_left_out_but_count_for_the_share() -> None:
    assert word_counts("a bb ccc ccc", 3, []) == [{"word": "ccc", "count": 2, "share in %": 50.0}]


def test_letters_with_separate_accents_are_letters() -> None:
    assert [row["word"] for row in word_counts("cafe\u0301 caf\u00e9", 1, [])] == ["caf\u00e9"]


def test_the_sample_text_is_about_a_book() -> None:
    assert word_counts()[0] == {"word": "book", "count": 7, "share in %": 4.14}


@pytest.mark.parametrize(("text", "ignore"), [("", []), ("12 + 30", []), ("only", ["only"])])
def test_a_text_without_words_is_refused_in_words(text: str, ignore: list[str]) -> None:
    with pytest.raises(ValueError, match="There are no words to count"):
        word_counts(text, 1, ignore)


# flaky_import


@pytest.mark.parametrize("attempt", [1, 2])
def test_the_import_breaks_half_way_in_its_first_two_tries(naps: list[float], attempt: int) -> None:
    with (
        running(attempt) as job,
        pytest.raises(ConnectionError, match=rf"after 100 of 240 orders \(attempt {attempt}\)"),
    ):
        flaky_import(240)

    assert [report[:2] for report in job.reports] == [(50, 240), (100, 240)]


@pytest.mark.parametrize("rows", [1, 50, 51])
def test_even_a_small_import_breaks_at_first(naps: list[float], rows: int) -> None:
    with running(1), pytest.raises(ConnectionError):
        flaky_import(rows)


def test_the_import_gets_through_in_its_third_try(naps: list[float]) -> None:
    with running(3) as job:
        result = flaky_import(240)

    assert job.reports[-1][:2] == (240, 240)
    assert result == flaky_import(240)


def test_the_import_adds_up(naps: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    result = flaky_import(500)

    assert result["rejected"] == capsys.readouterr().out.count("Rejected order") > 0
    assert result["imported"] == 500 - result["rejected"]
    regions = result["by region"]
    assert isinstance(regions, dict)
    assert list(regions) == ["north", "east", "south", "west"]
    assert sum(regions.values()) == pytest.approx(result["total"])


def test_the_import_is_tried_again_for_as_long_as_it_breaks() -> None:
    options = flaky_import.options

    assert options.max_attempts > max(flaky.FAILING_ATTEMPTS)
    assert options.retry_on == (ConnectionError,)
    assert options.backoff == (1, 2, 4)


# long_wait and hello


@pytest.mark.parametrize(("seconds", "sentence"), [(1, "Waited 1 second."), (4, "Waited 4 seconds.")])
def test_the_wait_lasts_as_long_as_it_says(naps: list[float], seconds: int, sentence: str) -> None:
    assert long_wait(seconds) == sentence
    assert sum(naps) == pytest.approx(seconds)
    assert max(naps) <= 0.1


def test_a_wait_without_a_length_takes_one_to_ten_seconds(naps: list[float]) -> None:
    waits = {long_wait() for _ in range(300)}

    assert waits == {"Waited 1 second.", *(f"Waited {seconds} seconds." for seconds in range(2, 11))}


def test_hello_returns_the_seconds_it_waited(naps: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with running() as job:
        seconds = hello("Ada")

    assert 1 <= int(seconds) <= 10
    assert sum(naps) == pytest.approx(int(seconds))
    assert job.reports[-1][:2] == (10 * int(seconds), 10 * int(seconds))
    assert capsys.readouterr().out.startswith("Hello, Ada!\n")

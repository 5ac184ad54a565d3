"""One result on a job's page, by its shape: what is shown, how it is downloaded, what is said when it is gone."""

import csv
import io
import json
from typing import Any

import pandas
import pytest
from bs4 import Tag
from flask.testing import FlaskClient
from results_room import PNG, SVG, cells, result_part
from web_room import Room, one, words

from asyncinweb import Markdown
from asyncinweb.tasks.outputs.return_value import ReturnValue
from asyncinweb.web.viewers.json_tree import MOST_LINES, indented, tree_of


def test_nothing_is_said_to_be_nothing(client: FlaskClient, room: Room) -> None:
    part = result_part(client, room.complete(None).slug)

    assert "without a result" in words(part)
    assert not part.select("#result-download")


def test_a_text_is_shown_as_it_is(client: FlaskClient, room: Room) -> None:
    part = result_part(client, room.complete("  two\n lines").slug)

    assert one(part, "pre").get_text() == "\n  two\n lines"


def test_a_number_is_shown_large(client: FlaskClient, room: Room) -> None:
    assert words(one(result_part(client, room.complete(1234567).slug), "#result-number")) == "1,234,567"


def test_of_a_long_text_the_beginning_is_shown(client: FlaskClient, room: Room) -> None:
    part = result_part(client, room.complete("x" * 200_000).slug)

    assert len(one(part, "#result-text").get_text()) == 100_001
    assert part.select("#result-cut")


def test_a_picture_is_shown_and_served_inline(client: FlaskClient, room: Room) -> None:
    slug = room.complete(PNG).slug
    image = one(result_part(client, slug), "img")

    response = client.get(str(image["src"]))

    assert (image["alt"], response.data) == ("Result of: Draw a picture", PNG)
    assert response.content_type == "image/png"
    assert response.headers["Content-Disposition"].startswith("inline")


def test_a_drawing_is_only_ever_an_image(client: FlaskClient, room: Room) -> None:
    slug = room.complete(SVG).slug
    part = result_part(client, slug)

    assert one(part, "img")["src"] == f"/jobs/{slug}/result"
    assert not part.select("#result svg:not(.icon), script")
    response = client.get(f"/jobs/{slug}/result")
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in response.headers["Content-Security-Policy"]


def test_a_drawing_in_another_encoding_is_kept_to_the_byte(client: FlaskClient, room: Room) -> None:
    drawing = SVG.encode("utf-16")

    assert client.get(f"/jobs/{room.complete(drawing).slug}/result").data == drawing


def test_bytes_are_a_download(client: FlaskClient, room: Room) -> None:
    slug = room.complete(b"\x00\x01binary").slug

    response = client.get(str(one(result_part(client, slug), "#result-download")["href"]))

    assert response.data == b"\x00\x01binary"
    assert response.headers["Content-Disposition"].startswith("attachment; filename=picture-")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("value", ["long text", [{"n": 1}], {"a": 1}])
def test_a_value_that_is_kept_in_a_file_is_shown_all_the_same(
    client: FlaskClient, room: Room, value: object
) -> None:
    held = room.start()
    room.finish(held, value, in_file=True)

    part = result_part(client, held.slug)

    assert client.get(str(one(part, "#result-download")["href"])).status_code == 200
    assert part.select("pre, table")


def test_a_text_result_is_downloaded_not_opened(client: FlaskClient, room: Room) -> None:
    response = client.get(f"/jobs/{room.complete('<script>alert(1)</script>').slug}/result")

    assert response.content_type == "text/plain; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith("attachment")


def test_a_warning_stands_with_the_result(client: FlaskClient, room: Room) -> None:
    part = result_part(client, room.complete({"odd": object}).slug)

    assert "Kept as text because JSON can't represent it" in words(one(part, ".note"))


def test_a_job_without_a_result_has_no_download(client: FlaskClient, room: Room) -> None:
    assert client.get(f"/jobs/{room.start().slug}/result").status_code == 404


@pytest.mark.parametrize(
    "value",
    [
        "line\n" * 80_000,
        [{"n": number} for number in range(40_000)],
        [[number] for number in range(80_000)],
        Markdown("*word* " * 60_000),
    ],
    ids=["text", "table", "JSON", "Markdown"],
)
def test_a_result_beside_the_database_shows_its_beginning(client: FlaskClient, room: Room, value: object) -> None:
    held = room.complete(value)
    assert "value" not in json.loads(room.job(held.slug).result or "")

    response = client.get(f"/jobs/{held.slug}")
    part = result_part(client, held.slug)

    assert len(response.data) < 450_000
    assert part.select("pre, table, em")
    assert "The download has all of" in words(part)
    whole = client.get(f"/jobs/{held.slug}/result").data
    assert len(whole) > 256_000


def test_a_result_whose_file_is_gone_is_a_404(client: FlaskClient, room: Room) -> None:
    held = room.complete(PNG)
    room.folder(held.slug).remove()

    assert client.get(f"/jobs/{held.slug}/result").status_code == 404


def test_a_result_whose_file_is_gone_still_has_a_page(client: FlaskClient, room: Room) -> None:
    held = room.complete([{"n": number} for number in range(40_000)])
    room.folder(held.slug).remove()

    assert "no longer available" in words(result_part(client, held.slug))
    assert client.get(f"/jobs/{held.slug}/result.csv").status_code == 404


# --- tables ---------------------------------------------------------------------------------------------------


def test_a_list_of_records_is_a_table(client: FlaskClient, room: Room) -> None:
    part = result_part(client, room.complete([{"name": "a", "n": 1}, {"n": 2, "more": None}]).slug)

    assert [words(cell) for cell in part.select("th")] == ["name", "n", "more"]
    assert [[words(cell) for cell in row.select("td")] for row in part.select("tbody tr")] == [
        ["a", "1", ""],
        ["", "2", ""],
    ]
    assert [cell.get_text() for cell in part.select("td.number")] == ["1", "2"]


def test_of_a_long_table_the_first_rows_are_shown(client: FlaskClient, room: Room) -> None:
    slug = room.complete([{"n": number} for number in range(1234)]).slug
    part = result_part(client, slug)

    assert len(part.select("tbody tr")) == 500
    assert "First 500 of 1,234 rows" in words(part)
    assert len(client.get(f"/jobs/{slug}/result").json) == 1234


def csv_rows(client: FlaskClient, address: str) -> list[list[str]]:
    text = client.get(address).data.decode()
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


@pytest.mark.parametrize("in_file", [False, True])
def test_a_table_comes_as_csv(client: FlaskClient, room: Room, in_file: bool) -> None:
    held = room.start()
    room.finish(held, [{"a": 1, "b": 'x"\n,'}, {"b": None, "c": True}], in_file)
    link = one(result_part(client, held.slug), "#result-csv")

    response = client.get(str(link["href"]))

    assert csv_rows(client, str(link["href"])) == [["a", "b", "c"], ["1", 'x"\n,', ""], ["", "", "yes"]]
    assert response.content_type == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"].endswith(".csv")
    assert response.headers["Content-Disposition"].startswith("attachment")


def test_no_cell_of_a_csv_is_run_as_a_formula(client: FlaskClient, room: Room) -> None:
    texts = ["=1+1", "+cmd", "-x", "@sum", "\tx", "-1.5", "+49 30", "-1e5", "a=b", ""]
    slug = room.complete([{"=head": text, "n": -5} for text in texts]).slug

    head, *rows = csv_rows(client, f"/jobs/{slug}/result.csv")

    assert head == ["'=head", "n"]
    assert [row[0] for row in rows] == [
        "'=1+1",
        "'+cmd",
        "'-x",
        "'@sum",
        "'\tx",
        "-1.5",
        "'+49 30",
        "-1e5",
        "a=b",
        "",
    ]
    assert {row[1] for row in rows} == {"-5"}


def test_of_a_wide_table_the_first_columns_are_shown(client: FlaskClient, room: Room) -> None:
    slug = room.complete([{f"c{number}": number for number in range(300)}] * 100).slug
    part = result_part(client, slug)

    assert len(part.select("th")) == 100
    assert len(part.select("tbody tr")) == 50
    assert "First 50 of 100 rows, first 100 of 300 columns. The download has all of them" in words(part)
    assert [len(row) for row in csv_rows(client, f"/jobs/{slug}/result.csv")] == [300] * 101


def test_a_dataframe_without_rows_still_shows_its_columns(client: FlaskClient, room: Room) -> None:
    part = result_part(client, room.complete(pandas.DataFrame({"a": [], "b": []})).slug)

    assert cells(one(part, "table")) == [["a", "b"]]
    assert "0 rows" in words(part)


def test_no_rows_are_a_table_without_rows(client: FlaskClient, room: Room) -> None:
    slug = room.complete([]).slug

    assert "0 rows" in words(result_part(client, slug))
    assert client.get(f"/jobs/{slug}/result.csv").status_code == 200


def test_a_long_cell_is_cut(client: FlaskClient, room: Room) -> None:
    part = result_part(client, room.complete([{"a": "x" * 1000}]).slug)

    assert words(one(part, "td")) == "x" * 300 + "…"


# --- JSON -----------------------------------------------------------------------------------------------------


def test_json_can_be_read_and_copied_as_json(client: FlaskClient, room: Room) -> None:
    value = {"names": ["Ann", "Ö"], "deep": {"yes": True}}
    part = result_part(client, room.complete(value).slug)

    assert json.loads(one(part, "#result-json").get_text()) == value


def test_long_and_deep_json_is_folded(client: FlaskClient, room: Room) -> None:
    value = {"short": [1, 2], "long": list(range(100)), "deep": {"a": {"b": {"c": {"d": 1}}}}}
    part = result_part(client, room.complete(value).slug)

    folds = part.select("#result-json details")

    assert [(words(one_summary(fold)), fold.has_attr("open")) for fold in folds] == [
        ("{", True),
        ('"long" : [', False),
        ('"deep" : {', True),
        ('"a" : {', True),
        ('"b" : {', False),
    ]
    assert one_summary(folds[1])["data-rest"] == "… 100 items ],"
    assert json.loads(one(part, "#result-json").get_text()) == value


def one_summary(fold: Tag) -> Tag:
    return fold.find("summary", recursive=False)  # type: ignore[return-value]


def test_of_endless_json_the_first_lines_are_shown() -> None:
    line, is_cut = tree_of([[1, [2]] for _ in range(10_000)])

    assert is_cut
    assert line.length <= MOST_LINES + 2
    assert line.inside[-1].text.endswith("more")


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value, {"a": value}] if depth < 12 else [value]
    return value


@pytest.mark.parametrize("depth", [5, 11, 500])
def test_deep_json_has_an_end(depth: int) -> None:
    line, _ = tree_of(nested(depth))

    assert line.length <= MOST_LINES + 40


@pytest.mark.parametrize(
    ("beginning", "expected"),
    [
        ('{"a":[1,"x"],"b":{}}', '{\n  "a": [\n    1,\n    "x"\n  ],\n  "b": {\n    \n  }\n}'),
        ('["a, [b]: {\\"c\\\\", 2', '[\n  "a, [b]: {\\"c\\\\",\n  2'),
        ('[1,"cut in the mid', '[\n  1,\n  "cut in the mid'),
        ('{"a": 1, "b"', '{\n  "a": 1,\n  "b"'),
    ],
)
def test_the_beginning_of_json_is_indented_wherever_it_was_cut(beginning: str, expected: str) -> None:
    assert indented(beginning) == expected


# --- Markdown -------------------------------------------------------------------------------------------------


def test_markdown_is_formatted_below_the_headings_of_the_page(client: FlaskClient, room: Room) -> None:
    part = result_part(client, room.complete(Markdown("# Done\n\n- **bold** `code`\n\n|a|b|\n|-|-:|\n|1|2|")).slug)

    assert words(one(part, "#result-markdown h3")) == "Done"
    assert one(part, "li strong").get_text() == "bold"
    assert cells(one(part, "table")) == [["a", "b"], ["1", "2"]]
    assert one(part, "td.number").get_text() == "2"


def test_markdown_shows_the_files_of_its_job_and_nothing_from_elsewhere(client: FlaskClient, room: Room) -> None:
    held = room.start()
    room.folder(held.slug).save(held.claim_no, "a plot.png", PNG)
    text = "![mine](<a plot.png>) ![theirs](https://evil.example/x.png) ![gone](gone.png) [file](<a plot.png>)"
    room.finish(held, Markdown(text))

    part = one(result_part(client, held.slug), "#result-markdown")

    address = f"/jobs/{held.slug}/files/a%20plot.png"
    assert [image["src"] for image in part.select("img")] == [address]
    assert client.get(address).data == PNG
    assert [(link["href"], words(link)) for link in part.select("a")] == [
        ("https://evil.example/x.png", "theirs"),
        ("gone.png", "gone"),
        (address, "file"),
    ]


# --- figures in frames ----------------------------------------------------------------------------------------


DOCUMENT = b"<!doctype html><title>Figure</title><script>drawn = true</script>"
HTML = ReturnValue("html", "text/html", "html", DOCUMENT, script_hashes=("sha256-abc=",), height=300)


def test_a_figure_that_moves_is_in_a_frame_that_nothing_gets_out_of(client: FlaskClient, room: Room) -> None:
    slug = room.complete(HTML).slug
    frame = one(result_part(client, slug), "iframe")

    response = client.get(str(frame["src"]))

    assert (frame["sandbox"], frame["height"]) == (["allow-scripts"], "300")
    assert frame["title"] == "Result of: Draw a picture"
    assert response.data == DOCUMENT
    policy = dict(
        part.strip().partition(" ")[::2] for part in response.headers["Content-Security-Policy"].split(";")
    )
    assert policy == {
        "default-src": "'none'",
        "script-src": "'sha256-abc='",
        "style-src": "'unsafe-inline'",
        "img-src": "data: blob:",
        "font-src": "data:",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'self'",
        "sandbox": "allow-scripts",
    }


def test_a_figure_is_downloaded_as_a_file_that_stays_dead_here(client: FlaskClient, room: Room) -> None:
    slug = room.complete(HTML).slug

    response = client.get(str(one(result_part(client, slug), "#result-download")["href"]))

    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.headers["Content-Security-Policy"].endswith("sandbox")


def test_only_the_page_of_a_job_can_hold_frames(client: FlaskClient, room: Room) -> None:
    slug = room.complete("words").slug
    addresses = ("/", "/jobs", f"/jobs/{slug}/result", "/nothing")

    assert client.get(f"/jobs/{slug}").headers["Content-Security-Policy"].endswith("; frame-src 'self'")
    assert not any("frame-src" in client.get(each).headers["Content-Security-Policy"] for each in addresses)


@pytest.mark.parametrize("value", ["words", PNG, {"a": PNG, "b": "<svg/>"}])
def test_nothing_else_is_served_as_a_frame(client: FlaskClient, room: Room, value: object) -> None:
    slug = room.complete(value).slug

    assert client.get(f"/jobs/{slug}/result/frame").status_code == 404
    assert client.get(f"/jobs/{slug}/result/1/frame").status_code == 404


def test_a_figure_whose_file_is_gone_has_no_frame(client: FlaskClient, room: Room) -> None:
    held = room.complete(HTML)
    room.folder(held.slug).remove()

    assert "no longer" in words(result_part(client, held.slug))
    assert client.get(f"/jobs/{held.slug}/result/frame").status_code == 404

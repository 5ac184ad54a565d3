"""Tables, Markdown, files and several results at once on a job's page, and what can be downloaded of them."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy
import pandas
import pytest
from bs4 import Tag
from flask.testing import FlaskClient
from web_room import Room, one, page, words

from asyncinweb import Markdown
from asyncinweb.web.http.zip_stream import unique_names, zip_pieces
from asyncinweb.web.viewers.json_tree import MOST_LINES, indented, tree_of
from asyncinweb.web.viewers.markdown import rendered

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HOSTILE = "</pre></td></textarea><script>alert(1)</script><img src=x onerror=alert(1)> {{ 7*7 }} \" ' &amp;"


def result_part(client: FlaskClient, slug: str) -> Tag:
    return one(page(client, f"/jobs/{slug}"), "#result")


def cells(table: Tag) -> list[list[str]]:
    return [[words(cell) for cell in row.select("th, td")] for row in table.select("tr")]


# --- several results --------------------------------------------------------------------------------------------


def test_several_results_are_sections_each_with_its_own_download(client: FlaskClient, room: Room) -> None:
    slug = room.complete(
        {"Plot": PNG, "Rows": [{"a": 1}], "Notes": Markdown("*x*"), "Count": 5, "Drawing": SVG, "Nothing": None}
    ).slug
    part = result_part(client, slug)

    sections = part.select("section.part")

    assert [words(one(section, "h3")) for section in sections] == [
        "Plot",
        "Rows",
        "Notes",
        "Count",
        "Drawing",
        "Nothing",
    ]
    assert one(sections[0], "img")["alt"] == "Plot"
    assert one(sections[2], "em")
    downloads = [[str(link["href"]) for link in section.select(".section-head a")] for section in sections]
    assert downloads == [
        [f"/jobs/{slug}/result/1"],
        [f"/jobs/{slug}/result/2.csv", f"/jobs/{slug}/result/2"],
        [f"/jobs/{slug}/result/3"],
        [f"/jobs/{slug}/result/4"],
        [f"/jobs/{slug}/result/5"],
        [],
    ]
    bodies = [client.get(links[-1]).data for links in downloads if links]
    assert bodies[0] == PNG
    assert [json.loads(bodies[1]), bodies[2], json.loads(bodies[3]), bodies[4].decode()] == [
        [{"a": 1}],
        b"*x*",
        5,
        SVG,
    ]


def test_several_results_come_as_one_zip(client: FlaskClient, room: Room, tmp_path: Path) -> None:
    (tmp_path / "given.txt").write_text("in a file")
    value = {"Plot/1": PNG, "Plot:1": PNG, "": "words", "f": tmp_path / "given.txt", "Größe": {"a": 1}}
    link = one(result_part(client, room.complete(value).slug), "#result-download")

    response = client.get(str(link["href"]))

    with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["Plot_1.png", "Plot_1 (2).png", "result.txt", "given.txt", "Größe.json"]
        assert archive.read("Plot_1.png") == PNG
        assert archive.read("given.txt") == b"in a file"
    assert response.content_type == "application/zip"
    saved_as = response.headers["Content-Disposition"]
    assert re.match(r"attachment; filename=picture-[\w-]+\.zip;", saved_as), saved_as


def test_a_part_whose_name_says_nothing_is_saved_under_that_of_the_task(client: FlaskClient, room: Room) -> None:
    slug = room.complete({"..": PNG, "b": 1}).slug

    saved_as = client.get(f"/jobs/{slug}/result/1").headers["Content-Disposition"]

    assert re.fullmatch(r"inline; filename=picture-\w[\w-]*\w\.png", saved_as), saved_as


def test_programs_get_several_results_by_name(client: FlaskClient, room: Room) -> None:
    slug = room.complete({"rows": [{"a": 1}], "plot": PNG, "note": "x"}).slug

    answer = client.post("/query", data={"id": slug}).json

    assert answer["result"] == {"rows": [{"a": 1}], "plot": {"url": f"/jobs/{slug}/result/2"}, "note": "x"}


@pytest.mark.parametrize("address", ["result/0", "result/4", "result/1.csv", "result/x", "result.csv"])
def test_what_is_no_result_is_a_404(client: FlaskClient, room: Room, address: str) -> None:
    slug = room.complete({"plot": PNG, "b": 1, "c": 2}).slug

    assert client.get(f"/jobs/{slug}/{address}").status_code == 404


def test_values_stay_in_the_row_only_while_there_is_room(client: FlaskClient, room: Room) -> None:
    held = room.complete({"a": "x" * 200_000, "b": "y" * 200_000, "c": "z", "d": PNG})

    assert len(room.job(held.slug).result or "") < 256_000
    kept = sorted(path.name for path in room.folder(held.slug).path.iterdir())
    assert kept == ["result-1-2.txt", "result-1-4.png"]
    assert [client.get(f"/jobs/{held.slug}/result/{number}").data[:1] for number in (1, 2, 3)] == [
        b"x",
        b"y",
        b"z",
    ]


# --- tables -----------------------------------------------------------------------------------------------------


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


def test_a_long_cell_is_cut(client: FlaskClient, room: Room) -> None:
    part = result_part(client, room.complete([{"a": "x" * 1000}]).slug)

    assert words(one(part, "td")) == "x" * 300 + "…"


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


def test_a_result_whose_file_is_gone_still_has_a_page(client: FlaskClient, room: Room) -> None:
    held = room.complete([{"n": number} for number in range(40_000)])
    room.folder(held.slug).remove()

    assert "no longer available" in words(result_part(client, held.slug))
    assert client.get(f"/jobs/{held.slug}/result.csv").status_code == 404


# --- JSON -------------------------------------------------------------------------------------------------------


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


# --- Markdown ---------------------------------------------------------------------------------------------------


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


class Dangers(HTMLParser):
    """Collects what could run or fetch in a piece of HTML."""

    TAGS = frozenset(
        {"script", "style", "iframe", "object", "embed", "form", "input", "base", "link", "meta", "svg"}
    )

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag] if tag in self.TAGS else []
        for name, value in attrs:
            is_bad_link = name in ("href", "src") and not self.is_harmless(tag, value or "")
            if name.startswith(("on", "hx-")) or name in ("style", "srcdoc", "formaction") or is_bad_link:
                self.found.append(f"{tag} {name}={value}")

    @staticmethod
    def is_harmless(tag: str, address: str) -> bool:
        scheme = "".join(address.lower().split()).partition(":")[0]
        return "script" not in scheme and not (tag == "img" and address.startswith("http"))


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java\tscript:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](vbscript:x) [y](data:text/html;base64,PHNjcmlwdD4=) [z](file:///etc/passwd)",
        "[x][ref]\n\n[ref]: javascript:alert(1)",
        "<javascript:alert(1)>",
        "![x](javascript:alert(1)) ![y](data:image/svg+xml;base64,PHN2Zz4=)",
        '![x" onerror="alert(1)](https://e.example/"onerror="x)',
        '[x](https://e.example "t" onclick="x")',
        '```js" onload="alert(1)\ncode\n```',
        "|a|\n|:-:|\n|<script>|",
        "<!-- x --><svg onload=alert(1)>",
        "<div\nonclick=alert(1)>",
        "<style>*{}</style>",
    ],
)
def test_markdown_can_do_no_harm(text: str) -> None:
    html = str(rendered(text, lambda name: None))

    assert Dangers(html).found == []


# --- files ------------------------------------------------------------------------------------------------------


def saved(room: Room, files: dict[str, bytes]) -> str:
    held = room.start()
    for name, data in files.items():
        room.folder(held.slug).save(held.claim_no, name, data)
    room.finish(held, None)
    return held.slug


def test_files_are_listed_with_a_look_into_them(client: FlaskClient, room: Room) -> None:
    slug = saved(
        room,
        {
            "1.png": PNG,
            "2.csv": b"a;b\n1;2\n3;4\n",
            "3.txt": "größer\n".encode() + b"line\n" * 20,
            "4.pdf": b"%PDF-1.7\n\xff",
            "5.html": b"<script>alert(1)</script>",
            "6.svg": SVG.encode(),
            "7.bin": b"\x00\x01",
            "8.txt": b"",
            "9.txt": ("ä" * 9_000).encode(),
        },
    )

    items = one(page(client, f"/jobs/{slug}"), "#files").select("li")

    assert one(items[0], "img")["src"] == f"/jobs/{slug}/files/1.png"
    assert cells(one(items[1], "table")) == [["a", "b"], ["1", "2"], ["3", "4"]]
    assert one(items[2], "pre").get_text().split() == ["größer", *["line"] * 7, "…"]
    assert not items[3].select("img, pre, table, iframe, embed, object")
    assert one(items[4], "pre").get_text().strip() == "<script>alert(1)</script>"
    assert one(items[5], "img")["src"] == f"/jobs/{slug}/files/6.svg"
    assert not items[6].select("img, pre, table")
    assert not items[7].select("img, pre, table")
    assert one(items[8], "pre").get_text().split() == ["ä" * 200 + "…", "…"]
    assert "64 bytes" not in words(items[1])


def test_a_returned_file_is_a_download_of_its_name_with_a_look_into_it(
    client: FlaskClient, room: Room, tmp_path: Path
) -> None:
    path = tmp_path / "Bericht für Ö.csv"
    path.write_text("a,b\n1,2\n")
    slug = room.complete(path).slug
    path.unlink()
    part = result_part(client, slug)

    response = client.get(str(one(part, "#result-download")["href"]))

    assert cells(one(part, "table")) == [["a", "b"], ["1", "2"]]
    assert response.data == b"a,b\n1,2\n"
    assert "filename*=UTF-8''Bericht%20f%C3%BCr%20%C3%96.csv" in response.headers["Content-Disposition"]


def test_all_files_come_as_one_zip(client: FlaskClient, room: Room) -> None:
    files = {"a.txt": b"a" * 1_000_000, "A.txt": b"other", "übersicht.csv": b"x"}
    slug = saved(room, files)
    link = one(page(client, f"/jobs/{slug}"), "#files-zip")

    response = client.get(str(link["href"]))

    with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
        assert archive.testzip() is None
        assert sorted(archive.read(name) for name in archive.namelist()) == sorted(files.values())
        assert len({name.casefold() for name in archive.namelist()}) == 3
    assert len(response.data) < 10_000


def test_a_job_without_files_has_no_zip(client: FlaskClient, room: Room) -> None:
    assert client.get(f"/jobs/{room.complete().slug}/files.zip").status_code == 404


def test_a_zip_is_made_piece_by_piece_and_leaves_out_what_has_gone(tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(range(256)) * 20_000)

    pieces = list(zip_pieces([("gone.txt", tmp_path / "gone"), ("large.bin", large), ("small", b"x")]))

    assert max(map(len, pieces)) < 1_000_000
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.namelist() == ["large.bin", "small"]
        assert archive.read("large.bin") == large.read_bytes()


def test_names_are_told_apart() -> None:
    assert list(unique_names(["a.txt", "A.TXT", "a (2).txt", "b", "b"])) == [
        "a.txt",
        "A (2).TXT",
        "a (2) (2).txt",
        "b",
        "b (2)",
    ]


def test_of_very_many_files_the_first_are_listed(client: FlaskClient, room: Room) -> None:
    slug = saved(room, {f"{number:03}.txt": b"words" for number in range(205)})

    part = one(page(client, f"/jobs/{slug}"), "#files")

    assert len(part.select("li")) == 200
    assert len(part.select("pre")) == 20
    assert "Showing the first 200 of 205 files" in words(part)


def test_a_part_of_what_could_run_in_a_browser_is_saved_and_not_shown(client: FlaskClient, room: Room) -> None:
    slug = saved(room, {"a.html": b"..<script>alert(1)</script>", "b.svg": b"..<svg onload='alert(1)'/>"})

    for name in ("a.html", "b.svg"):
        part = client.get(f"/jobs/{slug}/files/{name}", headers={"Range": "bytes=2-"})

        assert (part.status_code, part.data[:1]) == (206, b"<")
        assert part.headers["Content-Disposition"].startswith("attachment")
        assert part.headers["Content-Security-Policy"].endswith("; sandbox")
        assert part.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("kind", ["saved", "in a file", "in the row"])
def test_a_part_of_a_download_can_be_asked_for(client: FlaskClient, room: Room, kind: str) -> None:
    if kind == "saved":
        address = f"/jobs/{saved(room, {'a.txt': b'0123456789'})}/files/a.txt"
    else:
        held = room.start()
        room.finish(held, "0123456789", in_file=kind == "in a file")
        address = f"/jobs/{held.slug}/result"

    part = client.get(address, headers={"Range": "bytes=2-4"})

    assert (part.status_code, part.data) == (206, b"234")
    assert part.headers["Content-Range"] == "bytes 2-4/10"
    assert client.get(address, headers={"Range": "bytes=50-"}).status_code == 416


# --- hostile values ---------------------------------------------------------------------------------------------


def hostile_values() -> Iterator[object]:
    yield HOSTILE
    yield {HOSTILE: [HOSTILE, {"deep": {HOSTILE: [1, 2]}}]}
    yield [{HOSTILE: HOSTILE}]
    yield {HOSTILE: PNG, "b": HOSTILE, "c": [{HOSTILE: HOSTILE}], "d": Markdown(HOSTILE)}
    yield type(HOSTILE, (), {"__repr__": lambda self: HOSTILE})()
    yield type("F", (), {"savefig": lambda self, *_, **__: 1 / 0, "__repr__": lambda self: HOSTILE})()
    yield pandas.DataFrame({HOSTILE: [HOSTILE]}, index=[HOSTILE])


def contains_itself() -> list[object]:
    value: list[object] = [1]
    value.append(value)
    return value


def failing(*args: object, **kwargs: object) -> str:
    raise ValueError("not today")


@pytest.mark.parametrize(
    "value",
    [
        {1, "a"},
        float("nan"),
        [float("inf")],
        b"bytes",
        b"",
        lambda: 1,
        contains_itself(),
        type("Broken", (), {"__repr__": failing})(),
        10**30,
        10**5000,
        "half \ud800 a character",
        {"\udfff": ["\ud800"], "b": PNG},
        (item for item in [1]),
        numpy.float64("nan"),
        numpy.arange(6).reshape(2, 3),
        pandas.DataFrame(
            {"n": [float("nan")], "t": [pandas.NaT]}, index=pandas.MultiIndex.from_tuples([("a", "b")])
        ),
        pandas.DataFrame([[1, 2]], columns=["a", "a"]),
        pandas.DataFrame(),
        type("Figure", (), {"savefig": failing})(),
        type("NoFigure", (), {"savefig": 5})(),
        "\x00\x1b[31m\u202e",
        "",
        [],
        {},
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_odd_value_has_a_readable_page(client: FlaskClient, room: Room, value: object) -> None:
    slug = room.complete(value).slug
    part = result_part(client, slug)

    assert words(part).startswith("Result")
    assert part.select("pre, .json, table, .figure, #result-download, #result-csv, section.part, p.soft")
    assert client.post("/query", data={"id": slug}).status_code == 200
    assert client.get(f"/jobs/{slug}/result").status_code == 200


@pytest.mark.parametrize("value", list(hostile_values()), ids=lambda value: type(value).__name__[:12])
def test_hostile_strings_in_a_result_never_become_markup(client: FlaskClient, room: Room, value: object) -> None:
    part = result_part(client, room.complete(value).slug)

    assert [danger for danger in Dangers(str(part)).found if danger != "svg"] == []
    assert not part.select("svg:not(.icon)")
    assert "alert(1)" in part.get_text()


def test_hostile_names_of_files_never_become_markup(client: FlaskClient, room: Room) -> None:
    name = "<img src=x onerror=alert(1)>\"'{{ 7*7 }}&amp;.csv"
    slug = saved(room, {name: f'"{HOSTILE}";b\n1;2'.encode(), "b": HOSTILE.encode()})

    part = one(page(client, f"/jobs/{slug}"), "#files")

    assert words(one(part.select("li")[0], ".file-name")) == name
    assert [danger for danger in Dangers(str(part)).found if danger != "svg"] == []
    assert client.get(str(part.select("li a")[0]["href"])).status_code == 200

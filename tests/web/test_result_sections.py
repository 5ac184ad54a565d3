"""Several results of one job: sections on its page, each with its own download, and what programs get of them."""

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from bs4 import Tag
from flask.testing import FlaskClient
from results_room import PNG, SVG, result_part, written
from web_room import Room, one, words

from asyncinweb import Markdown

NESTED = {"Plots": {"North": PNG, "South": PNG}, "Facts": {"n": 1}, "Files": [b"\x00", b"\x01"]}


def headings(part: Tag) -> list[str]:
    return [words(heading) for heading in part.select("h3")]


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


def test_sections_inside_sections_are_headed_by_the_names_that_lead_to_them(
    client: FlaskClient, room: Room
) -> None:
    slug = room.complete(NESTED).slug
    part = result_part(client, slug)

    assert headings(part) == ["Plots / North", "Plots / South", "Facts", "Files / 1", "Files / 2"]
    links = [str(section.select("a[download], a.button")[0]["href"]) for section in part.select("section.part")]
    assert links == [f"/jobs/{slug}/result/{number}" for number in range(1, 6)]
    assert [client.get(link).data[:4] for link in links] == [b"\x89PNG", b"\x89PNG", b"{\n  ", b"\x00", b"\x01"]


def test_sections_inside_sections_are_folders_in_the_zip(client: FlaskClient, room: Room) -> None:
    response = client.get(f"/jobs/{room.complete({'a/b': NESTED, '..': PNG}).slug}/result")

    with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
        assert archive.namelist() == [
            "a_b/Plots/North.png",
            "a_b/Plots/South.png",
            "a_b/Facts.json",
            "a_b/Files/1.bin",
            "a_b/Files/2.bin",
            "result.png",
        ]


def test_programs_get_sections_as_the_function_returned_them(client: FlaskClient, room: Room) -> None:
    slug = room.complete(NESTED).slug

    answer = client.post("/query", data={"id": slug}).json

    assert answer["result"] == {
        "Plots": {"North": {"url": f"/jobs/{slug}/result/1"}, "South": {"url": f"/jobs/{slug}/result/2"}},
        "Facts": {"n": 1},
        "Files": [{"url": f"/jobs/{slug}/result/4"}, {"url": f"/jobs/{slug}/result/5"}],
    }
    told: Any = room.job(slug).value
    assert [told["Facts"], len(told["Files"]), told["Plots"]["North"]["bytes"]] == [{"n": 1}, 2, len(PNG)]


def test_several_files_are_headed_by_their_names(client: FlaskClient, room: Room, tmp_path: Path) -> None:
    slug = room.complete(written(tmp_path, {"north.csv": b"a,b\n1,2\n", "south.csv": b"c\n"})).slug
    part = result_part(client, slug)

    assert headings(part) == ["north.csv", "south.csv"]
    assert str(tmp_path) not in str(part)
    assert "north.csv" in client.get(f"/jobs/{slug}/result/1").headers["Content-Disposition"]
    told: Any = room.job(slug).value
    assert [file["name"] for file in told] == ["north.csv", "south.csv"]


def test_of_very_many_results_the_first_are_shown_and_the_zip_has_all(client: FlaskClient, room: Room) -> None:
    slug = room.complete([bytes([number]) for number in range(130)]).slug
    part = result_part(client, slug)

    assert len(headings(part)) == 100
    assert "The first 100 of 130 results" in words(one(part, "#result-rest"))
    with zipfile.ZipFile(io.BytesIO(client.get(f"/jobs/{slug}/result").data)) as archive:
        assert len(archive.namelist()) == 130


def test_a_result_of_the_version_before_is_still_shown(client: FlaskClient, room: Room) -> None:
    slug = room.complete("words").slug
    part = '{"part": "Rows", "shape": "table", "media_type": "application/json", "bytes": 9, "value": [{"a": 1}], '
    stored = (
        '{"shape": "several", "media_type": "application/zip", "bytes": 9, "parts": ['
        + part
        + ('"columns": ["a"], "rows": 1}]}')
    )
    room.change("UPDATE asyncinweb_jobs SET result = :stored WHERE slug = :slug", stored=stored, slug=slug)

    assert headings(result_part(client, slug)) == ["Rows"]
    assert room.job(slug).value == {"Rows": [{"a": 1}]}

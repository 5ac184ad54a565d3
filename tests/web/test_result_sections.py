"""Sections inside sections, several files, figures in frames: their page, downloads and what programs get."""

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from bs4 import Tag
from flask.testing import FlaskClient
from web_room import Room, one, page, words

from asyncinweb.tasks.outputs.return_value import ReturnValue

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
DOCUMENT = b"<!doctype html><title>Figure</title><script>drawn = true</script>"
HTML = ReturnValue("html", "text/html", "html", DOCUMENT, script_hashes=("sha256-abc=",), height=300)
NESTED = {"Plots": {"North": PNG, "South": PNG}, "Facts": {"n": 1}, "Files": [b"\x00", b"\x01"]}


def result_part(client: FlaskClient, slug: str) -> Tag:
    return one(page(client, f"/jobs/{slug}"), "#result")


def headings(part: Tag) -> list[str]:
    return [words(heading) for heading in part.select("h3")]


def given(tmp_path: Path, files: dict[str, bytes]) -> list[Path]:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in files]


# --- sections ---------------------------------------------------------------------------------------------------


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
    slug = room.complete(given(tmp_path, {"north.csv": b"a,b\n1,2\n", "south.csv": b"c\n"})).slug
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


def test_no_rows_are_a_table_without_rows(client: FlaskClient, room: Room) -> None:
    slug = room.complete([]).slug

    assert "0 rows" in words(result_part(client, slug))
    assert client.get(f"/jobs/{slug}/result.csv").status_code == 200


def test_a_drawing_in_another_encoding_is_kept_to_the_byte(client: FlaskClient, room: Room) -> None:
    drawing = SVG.decode().encode("utf-16")

    assert client.get(f"/jobs/{room.complete(drawing).slug}/result").data == drawing


# --- files ------------------------------------------------------------------------------------------------------

FILES = {
    "a.svg": SVG,
    "b.svgz": gzip.compress(SVG),
    "false.svg": b"<html>no drawing",
    "cut.svg": SVG[:-2],
    "no-namespace.svg": b"<svg/>",
    "x.csv.gz": gzip.compress(b"a,b\n"),
}


def test_a_saved_file_that_only_pretends_to_be_a_drawing_is_never_a_broken_picture(
    client: FlaskClient, room: Room
) -> None:
    held = room.complete(None)
    for name, content in FILES.items():
        room.folder(held.slug).save(held.claim_no, name, content)

    images = page(client, f"/jobs/{held.slug}").select("#files img")

    assert [image["alt"] for image in images] == ["a.svg"]


@pytest.mark.parametrize("name", ["b.svgz", "false.svg", "cut.svg"])
def test_a_returned_file_that_only_pretends_to_be_a_drawing_is_a_download(
    client: FlaskClient, room: Room, tmp_path: Path, name: str
) -> None:
    slug = room.complete(given(tmp_path, FILES)[list(FILES).index(name)]).slug

    assert not result_part(client, slug).select("img")
    assert client.get(f"/jobs/{slug}/result").data == FILES[name]


@pytest.mark.parametrize("is_returned", [True, False])
def test_a_compressed_file_is_served_as_what_it_is(
    client: FlaskClient, room: Room, tmp_path: Path, is_returned: bool
) -> None:
    held = room.complete(given(tmp_path, {"x.csv.gz": FILES["x.csv.gz"]})[0] if is_returned else None)
    room.folder(held.slug).save(held.claim_no, "x.csv.gz", FILES["x.csv.gz"])

    response = client.get(f"/jobs/{held.slug}/{'result' if is_returned else 'files/x.csv.gz'}")

    assert response.content_type == "application/gzip"
    assert "Content-Encoding" not in response.headers
    assert gzip.decompress(response.data) == b"a,b\n"


# --- frames -----------------------------------------------------------------------------------------------------


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

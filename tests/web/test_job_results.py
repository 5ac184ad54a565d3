"""Results by shape on a job's page, and the downloads behind them."""

import json

import pytest
from bs4 import Tag
from flask.testing import FlaskClient
from web_room import Room, one, page, words

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def result_part(client: FlaskClient, slug: str) -> Tag:
    return one(page(client, f"/jobs/{slug}"), "#result")


def test_nothing_is_said_to_be_nothing(client: FlaskClient, room: Room) -> None:
    part = result_part(client, room.complete(None).slug)

    assert "without a result" in words(part)
    assert not part.select("#result-download")


def test_a_text_is_shown_as_it_is(client: FlaskClient, room: Room) -> None:
    part = result_part(client, room.complete("  two\n lines").slug)

    assert one(part, "pre").get_text() == "\n  two\n lines"


def test_a_number_is_shown_large(client: FlaskClient, room: Room) -> None:
    assert words(one(result_part(client, room.complete(1234567).slug), "#result-number")) == "1,234,567"


def test_json_can_be_read_and_copied_as_json(client: FlaskClient, room: Room) -> None:
    value = {"names": ["Ann", "Ö"], "deep": {"yes": True}}
    part = result_part(client, room.complete(value).slug)

    assert json.loads(one(part, "#result-json").get_text()) == value


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


def test_a_result_whose_file_is_gone_is_a_404(client: FlaskClient, room: Room) -> None:
    held = room.complete(PNG)
    room.folder(held.slug).remove()

    assert client.get(f"/jobs/{held.slug}/result").status_code == 404


def test_saved_files_are_listed_and_downloaded(client: FlaskClient, room: Room) -> None:
    held = room.start()
    room.folder(held.slug).save(held.claim_no, "Bericht für Ö & Co.html", b"<script>alert(1)</script>")
    room.finish(held, None)
    link = one(page(client, f"/jobs/{held.slug}"), "#files a")

    response = client.get(str(link["href"]))

    assert words(link) == "Bericht für Ö & Co.html"
    assert response.data == b"<script>alert(1)</script>"
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in response.headers["Content-Security-Policy"]


def test_a_saved_picture_may_be_looked_at(client: FlaskClient, room: Room) -> None:
    held = room.complete(None)
    room.folder(held.slug).save(held.claim_no, "a.png", PNG)

    response = client.get(f"/jobs/{held.slug}/files/a.png")

    assert response.headers["Content-Disposition"].startswith("inline")


@pytest.mark.parametrize("name", ["../asyncinweb.db", "..%2f..%2fasyncinweb.db", "log-1-000000000000.txt"])
def test_only_saved_files_can_be_had(client: FlaskClient, room: Room, name: str) -> None:
    held = room.complete(None)
    room.folder(held.slug).save(held.claim_no, "a.txt", b"a")

    assert client.get(f"/jobs/{held.slug}/files/{name}").status_code == 404

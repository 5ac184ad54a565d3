"""Files that a job has saved or returned: a look into them, downloads, parts of them, and all as one ZIP."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from results_room import PNG, SVG, cells, result_part, saved, written
from web_room import Room, one, page, words

from asyncinweb.web.http.zip_stream import unique_names, zip_pieces

DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
FILES = {
    "a.svg": DRAWING,
    "b.svgz": gzip.compress(DRAWING),
    "false.svg": b"<html>no drawing",
    "cut.svg": DRAWING[:-2],
    "no-namespace.svg": b"<svg/>",
    "x.csv.gz": gzip.compress(b"a,b\n"),
}


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


def test_of_very_many_files_the_first_are_listed(client: FlaskClient, room: Room) -> None:
    slug = saved(room, {f"{number:03}.txt": b"words" for number in range(205)})

    part = one(page(client, f"/jobs/{slug}"), "#files")

    assert len(part.select("li")) == 200
    assert len(part.select("pre")) == 20
    assert "Showing the first 200 of 205 files" in words(part)


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
    slug = room.complete(written(tmp_path, FILES)[list(FILES).index(name)]).slug

    assert not result_part(client, slug).select("img")
    assert client.get(f"/jobs/{slug}/result").data == FILES[name]


@pytest.mark.parametrize("is_returned", [True, False])
def test_a_compressed_file_is_served_as_what_it_is(
    client: FlaskClient, room: Room, tmp_path: Path, is_returned: bool
) -> None:
    held = room.complete(written(tmp_path, {"x.csv.gz": FILES["x.csv.gz"]})[0] if is_returned else None)
    room.folder(held.slug).save(held.claim_no, "x.csv.gz", FILES["x.csv.gz"])

    response = client.get(f"/jobs/{held.slug}/{'result' if is_returned else 'files/x.csv.gz'}")

    assert response.content_type == "application/gzip"
    assert "Content-Encoding" not in response.headers
    assert gzip.decompress(response.data) == b"a,b\n"


# --- all as one ZIP -------------------------------------------------------------------------------------------


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


# --- parts ----------------------------------------------------------------------------------------------------


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

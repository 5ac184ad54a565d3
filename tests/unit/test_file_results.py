"""Results that are files: by path, open or uploaded; known by what is in them, never shown with their folder."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from outputs_room import PNG, SVG

from asyncinweb.tasks.inputs.uploaded import UploadedFile
from asyncinweb.tasks.outputs.files import file_name, media_type_of
from asyncinweb.tasks.outputs.return_value import ReturnValue
from asyncinweb.tasks.outputs.shapes import to_return_value


def test_a_path_is_a_file_that_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "Bericht 2026.pdf"
    path.write_bytes(b"%PDF")

    output = to_return_value(path)

    assert output == ReturnValue(
        "file", "application/pdf", "pdf", source=path, source_bytes=4, name="Bericht 2026.pdf"
    )
    assert output.size == 4


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


@pytest.mark.parametrize(
    ("name", "content", "shape", "media_type"),
    [
        ("a.png", PNG, "image", "image/png"),
        ("no suffix", PNG, "image", "image/png"),
        ("a.svg", b"<svg></svg>", "svg", "image/svg+xml"),
        ("a.html", b"<script>", "file", "text/html"),
        ("a.unheard-of", b"", "file", "application/octet-stream"),
        ("a.svg", SVG, "svg", "image/svg+xml"),
        ("a.svgz", b"\x1f\x8b...", "file", "application/gzip"),
        ("false.svg", b"<html>", "file", "image/svg+xml"),
        ("cut.svg", SVG[:40], "file", "image/svg+xml"),
        ("zipped.svg", b"\x1f\x8b...", "file", "image/svg+xml"),
        ("bare.svg", b"<svg/>", "svg", "image/svg+xml"),
        ("a.csv.gz", b"\x1f\x8b...", "file", "application/gzip"),
        ("a.tar.bz2", b"BZh", "file", "application/x-bzip2"),
        ("a.txt.xz", b"\xfd7zXZ", "file", "application/x-xz"),
        ("a.txt.br", b"...", "file", "application/octet-stream"),
    ],
)
def test_a_file_is_what_is_in_it_not_what_its_name_pretends(
    tmp_path: Path, name: str, content: bytes, shape: str, media_type: str
) -> None:
    (tmp_path / name).write_bytes(content)

    found = to_return_value(tmp_path / name)

    assert (found.shape, found.media_type, found.name) == (shape, media_type, name)


def test_the_type_of_a_name_without_a_known_end_is_unknown() -> None:
    assert media_type_of("") == media_type_of("a.unheard-of") == "application/octet-stream"


def test_an_uploaded_file_is_the_file_under_the_name_that_its_visitor_gave_it(tmp_path: Path) -> None:
    (tmp_path / "9f86d0").write_bytes(b"a,b\n")
    file = UploadedFile(tmp_path / "9f86d0", "Orders 2026.csv", 4, "9f86d0")

    alone, listed = to_return_value(file), to_return_value({"file": file, "n": 1})

    assert (alone.shape, alone.name, alone.media_type) == ("file", "Orders 2026.csv", "text/csv")
    assert listed.parts[0][1] == alone


@pytest.mark.parametrize(
    "value",
    [
        lambda path: path / "gone.csv",
        lambda path: [path / "gone.csv"],
        lambda path: {"a": {"b": path / "gone.csv"}},
        lambda path: next(iter([entry for entry in os.scandir(path) if entry.name == "folder"])),
        lambda path: SimpleNamespace(file=path / "gone.csv"),
        lambda path: closed(path / "a.txt"),
        lambda path: [UploadedFile(path / "gone", "a.csv", 1, "ab")],
    ],
    ids=["a path", "in a list", "deep inside", "an entry of a folder", "in a repr", "a closed file", "an upload"],
)
def test_no_value_shows_where_a_file_is_on_the_server(tmp_path: Path, value: Callable[[Path], object]) -> None:
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "folder").mkdir()

    found = to_return_value(value(tmp_path))

    shown = str([part.data for _, part in found.parts] or found.data) + found.warning
    assert str(tmp_path) not in shown
    assert any(name in shown for name in ("gone.csv", "folder", "a.txt", "a.csv", "gone"))


def closed(path: Path) -> object:
    with path.open() as file:
        return file

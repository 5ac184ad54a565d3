"""The folder of a job: results and saved files, under safe names."""

import stat
from pathlib import Path

import pytest

from asyncinweb.errors import AsyncInWebError
from asyncinweb.file_names import MOST_BYTES
from asyncinweb.queue.files.job_folder import JobFolder, safe_name


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    return JobFolder(tmp_path, "slug-of-a-job")


def contents(folder: JobFolder, claim_no: int = 1) -> dict[str, bytes]:
    return {file.name: file.path.read_bytes() for file in folder.saved(claim_no)}


@pytest.mark.parametrize(
    "name", ["report.csv", "übersicht 2026 (neu).pdf", "x" * MOST_BYTES, "a..b", "图.png", ".hidden"]
)
def test_a_plain_name_is_accepted(name: str) -> None:
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("", "is empty"),
        (".", "names a folder"),
        ("..", "names a folder"),
        ("a/b", "a slash"),
        ("../../etc/passwd", "a slash"),
        ("/etc/passwd", "a slash"),
        ("a\\b", "a slash"),
        ("a\nb", "contains U\\+000A, which can't be shown"),
        ("a\0b", "contains U\\+0000"),
        ("a\u202eb", "contains U\\+202E, which reverses the text after it"),
        ("a\ud800", "contains U\\+D800"),
        ("x" * (MOST_BYTES + 1), "is 256 bytes long; the limit is 255"),
        ("ü" * (MOST_BYTES // 2 + 1), "is 256 bytes long; the limit is 255"),
    ],
)
def test_a_name_that_names_more_than_a_file_is_refused_in_words(folder: JobFolder, name: str, wrong: str) -> None:
    with pytest.raises(AsyncInWebError, match=wrong):
        folder.save(1, name, b"data")

    assert folder.saved(1) == []


def test_bytes_text_and_files_are_saved(folder: JobFolder, tmp_path: Path) -> None:
    (tmp_path / "made.bin").write_bytes(b"\x00\x01")

    folder.save(1, "a.bin", b"\xff")
    folder.save(1, "b.txt", "ä")
    folder.save(1, "c.bin", tmp_path / "made.bin")

    assert contents(folder) == {"a.bin": b"\xff", "b.txt": "ä".encode(), "c.bin": b"\x00\x01"}
    assert [file.size for file in folder.saved(1)] == [1, 2, 2]
    assert (tmp_path / "made.bin").exists()


def test_a_second_file_of_the_same_name_replaces_the_first(folder: JobFolder) -> None:
    folder.save(1, "a.txt", "old and long")

    folder.save(1, "a.txt", "new")

    assert contents(folder) == {"a.txt": b"new"}


def test_a_copy_that_fails_leaves_the_old_file_and_nothing_else(folder: JobFolder, tmp_path: Path) -> None:
    folder.save(1, "a.txt", "old")

    with pytest.raises(FileNotFoundError):
        folder.save(1, "a.txt", tmp_path / "missing")

    assert contents(folder) == {"a.txt": b"old"}
    assert [path.name for path in folder.saved_folder(1).iterdir()] == ["a.txt"]


def test_two_claims_write_beside_each_other(folder: JobFolder) -> None:
    folder.save(1, "a.txt", "lost")
    folder.save(2, "a.txt", "live")
    names = [folder.write_result(f"{claim_no}", "json", b"1") for claim_no in (1, 2)]

    assert (contents(folder, 1), contents(folder, 2)) == ({"a.txt": b"lost"}, {"a.txt": b"live"})
    assert names == ["result-1.json", "result-2.json"]


def test_a_result_is_written_whole_under_the_name_it_returns(folder: JobFolder) -> None:
    folder.write_result("3", "png", b"an older and longer one")

    name = folder.write_result("3", "png", b"image")

    assert name == "result-3.png"
    assert (folder.path / name).read_bytes() == b"image"


def test_nobody_else_on_this_computer_may_read_what_a_job_left(folder: JobFolder, tmp_path: Path) -> None:
    (tmp_path / "open.txt").write_text("open")
    (tmp_path / "open.txt").chmod(0o666)

    folder.write_result("1", "txt", b"secret")
    folder.save(1, "a.txt", "secret")
    folder.save(1, "b.txt", tmp_path / "open.txt")

    left = [path for path in folder.path.rglob("*") if path.is_file()]
    assert len(left) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in left} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder.path, folder.saved_folder(1))} == {0o700}


def test_remove_takes_everything_and_a_folder_that_was_never_made_is_no_error(folder: JobFolder) -> None:
    folder.remove()
    folder.save(1, "a.txt", "data")
    folder.write_result("1", "json", b"1")

    folder.remove()

    assert not folder.path.exists()
    assert folder.saved(1) == []

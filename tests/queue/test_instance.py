"""The instance folder is closed to other users of the computer, whatever the umask."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from asyncinweb.queue.files.instance import make_instance, make_private
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.files.job_log import LogWriter


@pytest.fixture(params=[0, 0o027], autouse=True)
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def modes_below(folder: Path) -> set[tuple[str, int]]:
    return {
        ("folder" if path.is_dir() else "file", stat.S_IMODE(path.stat().st_mode)) for path in folder.rglob("*")
    }


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_folder_and_those_above_it_are_private(tmp_path: Path) -> None:
    make_private(tmp_path / "a" / "b")

    assert modes_below(tmp_path) == {("folder", 0o700)}


@pytest.mark.parametrize("names", [[], [".gitignore", "asyncinweb.db", "asyncinweb.db-wal", "jobs"]])
def test_a_folder_with_nothing_but_our_files_is_closed_to_others(tmp_path: Path, names: list[str]) -> None:
    tmp_path.chmod(0o755)
    for name in names:
        (tmp_path / name).touch()

    make_instance(tmp_path)

    assert mode(tmp_path) == 0o700


def test_a_folder_that_holds_other_things_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "thesis.odt").touch()

    make_instance(tmp_path)

    assert mode(tmp_path) == 0o755


def test_the_files_of_a_job_are_private(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path, "abcdef")
    open_file = tmp_path / "open.txt"
    open_file.write_text("open to all")
    open_file.chmod(0o666)

    folder.write_result(1, "txt", b"result")
    folder.save(1, "copied", open_file)
    folder.save(1, "written", "words")
    writer = LogWriter(folder, 1, 1000)
    writer.write(b"words")
    writer.close()

    assert modes_below(tmp_path / "jobs") == {("folder", 0o700), ("file", 0o600)}

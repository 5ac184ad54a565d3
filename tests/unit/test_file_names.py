"""One rule for names of files: what a visitor uploads can be saved again under its own name."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncinweb.file_names import MOST_BYTES, clean_name, fault_of_name
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.tasks.inputs.uploaded import UploadedFile

# The names that people's files have, and that are nobody's danger.
HARMLESS = [
    "字" * 80 + ".csv",
    ".hidden",
    "...and more",
    "می\u200cخواهم.csv",  # with a non-joiner, which Persian needs
    "👨\u200d👩\u200d👧.png",  # one family, joined
    "Capture d’écran 10\u202fh.png",  # macOS writes times so
    "שלום\u200f.txt",  # a mark that keeps a full stop on its side
    "\U0001fae8.txt",  # newer than the tables of some Pythons
    "\uf8ff.txt",  # for private use
    "a\u00adb.txt",
    "x" * 251 + ".csv",
]


@pytest.mark.parametrize("name", HARMLESS)
def test_an_uploaded_file_is_saved_under_its_own_name(name: str, tmp_path: Path) -> None:
    shown, folder = clean_name(name), JobFolder(tmp_path / "instance", "slug")

    folder.save(1, shown, b"data")

    assert shown == name
    assert [file.name for file in folder.saved(1)] == [name]


def test_a_file_of_this_computer_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / ".hidden").write_bytes(b"data")

    assert UploadedFile.of(tmp_path / ".hidden").name == ".hidden"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("orders.csv", "orders.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ann\\orders.csv", "orders.csv"),
        ("a\0b\n.csv", "ab.csv"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"),
        ("..", "file"),
        ("", "file"),
        ("/", "file"),
        ("CON", "CON"),
        ("Zoë's <b>.txt", "Zoë's <b>.txt"),
        ("x" * 5000 + ".csv", "x" * (MOST_BYTES - 7) + "….csv"),
        ("ü" * 5000 + ".csv", "ü" * ((MOST_BYTES - 7) // 2) + "….csv"),
        ("a." + "x" * 300, "a." + "x" * (MOST_BYTES - 5) + "…"),
        ("a\u2066b\u2069\u2028c", "abc"),
    ],
)
def test_a_hostile_name_becomes_one_that_can_be_shown(name: str, shown: str) -> None:
    assert clean_name(name) == shown


@given(st.text())
def test_a_shown_name_is_never_a_path(name: str) -> None:
    shown = clean_name(name)

    assert fault_of_name(shown) == ""
    assert clean_name(shown) == shown
    assert Path(shown).name == shown
    assert shown not in (".", "..")

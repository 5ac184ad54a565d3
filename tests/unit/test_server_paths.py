"""What visitors read instead of paths on this server."""

import os
import sysconfig
from pathlib import Path

import pytest

from asyncinweb.server_paths import HiddenPaths, without_server_paths

LIBRARIES = sysconfig.get_path("purelib")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("No such file: '/tmp/in/x.csv'", "No such file: 'x.csv'"),
        ('  File "/home/ann/my_tasks.py", line 3, in report', '  File "my_tasks.py", line 3, in report'),
        (f'  File "{LIBRARIES}/pandas/io/common.py", line 9', '  File "pandas/io/common.py", line 9'),
        ("(/usr/lib/x.so: not found)", "(x.so: not found)"),
        ("copied /tmp/a/größe.csv to /tmp/b/größe.csv", "copied größe.csv to größe.csv"),
        ("GET /api/v1/jobs failed", "GET /api/v1/jobs failed"),
        ("https://a.example/home/x/y", "https://a.example/home/x/y"),
        ("src/report.py and ~/x/y", "src/report.py and ~/x/y"),
        ("1/2 of /home", "1/2 of /home"),
        ("", ""),
    ],
)
def test_an_error_names_files_without_their_folders(words: str, shown: str) -> None:
    assert without_server_paths(words) == shown


@pytest.fixture
def hidden(tmp_path: Path) -> HiddenPaths:
    return HiddenPaths(tmp_path, {tmp_path / "jobs/ab/given/9f86": "Fotos ‰.jpg"})


def test_an_uploaded_file_is_called_what_its_visitor_called_it(hidden: HiddenPaths, tmp_path: Path) -> None:
    path = tmp_path / "jobs/ab/given/9f86"

    assert hidden.in_text(f"reading {path}…") == "reading Fotos ‰.jpg…"
    assert hidden.in_error(f"cannot identify image file '{path}'") == "cannot identify image file 'Fotos ‰.jpg'"
    assert hidden.in_bytes(f'["{path}"]'.encode()).decode() == '["Fotos ‰.jpg"]'


def test_the_instance_folder_is_not_named_in_words_nor_where_it_is_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)

    hidden = HiddenPaths(link, {})

    assert hidden.in_text(f"{link}/asyncinweb.db {real}/asyncinweb.db") == "asyncinweb.db asyncinweb.db"


def test_a_log_names_code_by_its_place_and_keeps_what_the_author_writes(hidden: HiddenPaths) -> None:
    warning = f"{LIBRARIES}/numpy/core.py:12: RuntimeWarning: overflow\n".encode()

    assert hidden.in_log(warning) == b"numpy/core.py:12: RuntimeWarning: overflow\n"
    assert hidden.in_log(b"wrote /data/out/x.csv \xff\n") == b"wrote /data/out/x.csv \xff\n"


def test_a_name_that_is_no_utf8_costs_nothing(hidden: HiddenPaths) -> None:
    assert hidden.in_text(os.fsdecode(b"/caf\xe9")) in ("/caf\udce9", "/caf\ufffd")

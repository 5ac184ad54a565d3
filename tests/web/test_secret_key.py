"""The key that signs what browsers keep: made once, for everybody the same, for nobody else to read."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from asyncinweb.errors import CannotStart
from asyncinweb.settings import Settings
from asyncinweb.web.secret_key import secret_key

FIRST_START = """
import sys
from pathlib import Path
from asyncinweb.settings import Settings
from asyncinweb.web.secret_key import secret_key
settings = Settings(instance=Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(secret_key(settings))
"""


@pytest.fixture
def first_starts(tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", FIRST_START, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    yield starts
    for each in starts:
        each.kill()
        each.communicate()


def test_simultaneous_first_starts_have_one_key(first_starts: list[subprocess.Popen[str]], tmp_path: Path) -> None:
    for each in first_starts:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in first_starts:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()

    keys = {each.communicate()[0].strip() for each in first_starts}

    assert keys == {(tmp_path / "secret.key").read_text()}
    assert len(keys.pop()) > 40
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


@pytest.mark.parametrize("mask", [0, 0o077])
def test_nobody_else_may_read_the_key(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        secret_key(Settings(instance=tmp_path))
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


def test_a_key_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("k" * 43)
    (tmp_path / "secret.key").chmod(0o644)

    assert secret_key(Settings(instance=tmp_path)) == "k" * 43
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


def test_a_key_that_was_cut_off_is_refused_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("")

    with pytest.raises(CannotStart, match="incomplete"):
        secret_key(Settings(instance=tmp_path))

    assert (tmp_path / "secret.key").read_text() == ""


def test_the_setting_goes_before_the_file_and_makes_none(tmp_path: Path) -> None:
    assert secret_key(Settings(instance=tmp_path, secret_key="mine")) == "mine"
    assert list(tmp_path.iterdir()) == []


def test_the_app_signs_with_it(app: Flask, settings: Settings) -> None:
    assert app.secret_key == (settings.instance / "secret.key").read_text()


def test_settings_for_workers_are_without_it_and_no_text_shows_it() -> None:
    settings = Settings(secret_key="do-not-tell")

    assert settings.without_secrets().secret_key.get_secret_value() == ""
    assert "do-not-tell" not in f"{settings!r} {settings} {settings.model_dump_json()}"

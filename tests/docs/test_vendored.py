"""The files of others that we ship are the files we looked at."""

import hashlib
import tomllib
from pathlib import Path

import pytest

VENDOR = Path(__file__).parents[2] / "static/asyncinweb/vendor"


@pytest.mark.parametrize("folder", sorted(path.name for path in VENDOR.iterdir()))
def test_every_vendored_file_has_the_recorded_hash(folder: str) -> None:
    recorded = tomllib.loads((VENDOR / folder / "VENDORED.toml").read_text(encoding="utf-8"))["files"]
    code = {path.name for path in (VENDOR / folder).iterdir()} - {"VENDORED.toml", "LICENSE"}

    actual = {name: hashlib.sha256((VENDOR / folder / name).read_bytes()).hexdigest() for name in code}

    assert actual == recorded
    assert (VENDOR / folder / "LICENSE").is_file()

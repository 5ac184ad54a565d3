"""Authors' code sees the package's types, with any type checker, from the source and from the wheel."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONSUMER = Path(__file__).with_name("consumer.py")
# Pyright's own engine: this package of it brings everything along and fetches nothing.
CHECKERS = {
    "mypy": ["-m", "mypy", "--strict", "--config-file=", "--cache-dir=mypy-cache"],
    "pyright": ["-m", "basedpyright", "--level", "error", "--project", "."],
}
STRICT = {"typeCheckingMode": "strict", "reportUnnecessaryTypeIgnoreComment": "error"}


def check(checker: str, folder: Path, text: str) -> str:
    """What a type checker says of this program; "" if nothing."""
    (folder / "consumer.py").write_text(text, encoding="utf-8")
    (folder / "pyrightconfig.json").write_text(json.dumps({**STRICT, "include": ["consumer.py"]}))
    arguments = [*CHECKERS[checker], *(["consumer.py"] if checker == "mypy" else ["--pythonpath", sys.executable])]
    process = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=280
    )
    return "" if process.returncode == 0 else process.stdout + process.stderr


@pytest.mark.parametrize("checker", CHECKERS)
def test_an_authors_code_is_checked_with_all_types(checker: str, tmp_path: Path) -> None:
    assert check(checker, tmp_path, CONSUMER.read_text(encoding="utf-8")) == ""


@pytest.mark.parametrize("checker", CHECKERS)
def test_an_authors_mistakes_are_found(checker: str, tmp_path: Path) -> None:
    text = CONSUMER.read_text(encoding="utf-8").replace("  # type: ignore", "  # wrong")

    said = check(checker, tmp_path, text)

    wrong = [number for number, line in enumerate(text.splitlines(), start=1) if line.endswith("# wrong")]
    assert [number for number in wrong if f"consumer.py:{number}:" not in said] == []


def test_the_package_says_that_it_has_types() -> None:
    assert (ROOT / "asyncinweb" / "py.typed").is_file()

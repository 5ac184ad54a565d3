"""How the tests are kept, which pytest itself does not check."""

from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = [path for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py"]


def test_no_two_files_of_tests_have_one_name() -> None:
    # Their folders are no packages: Python knows each file by its name alone, and takes the first for the second.
    counted = Counter(path.name for path in FILES)

    assert len(counted) > 100
    assert [name for name, times in counted.items() if times > 1] == []

"""Every promise names the test that shows it, and that test exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUARANTEES = (ROOT / "docs/guarantees.md").read_text(encoding="utf-8")
HEADINGS = ("| fault | promise | shown by |", "|---|---|---|")
ROWS = [line for line in GUARANTEES.splitlines() if line.startswith("|") and line not in HEADINGS]
TESTS = {
    name
    for file in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^def (test_\w+)\(", file.read_text(encoding="utf-8"), re.MULTILINE)
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_every_row_has_a_fault_a_promise_and_tests_that_exist(row: str) -> None:
    _, fault, promise, shown_by, _ = (cell.strip() for cell in row.split("|"))
    named = re.findall(r"`(test_\w+)`", shown_by)

    assert fault
    assert promise
    assert named, "no test is named"
    assert [name for name in named if name not in TESTS] == []

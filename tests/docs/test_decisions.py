"""The decisions are numbered without gaps, have one form of heading, and stand in their index."""

import re
from pathlib import Path

DECISIONS = Path(__file__).parents[2] / "docs" / "decisions"
PAGES = sorted(DECISIONS.glob("[0-9]*.md"))


def test_the_numbers_have_no_gaps_and_stand_in_the_headings() -> None:
    headings = [re.match(r"# (\d+)\. \S", page.read_text(encoding="utf-8")) for page in PAGES]

    assert [page.name[:3] for page in PAGES] == [f"{number:03}" for number in range(1, len(PAGES) + 1)]
    assert [found and int(found[1]) for found in headings] == list(range(1, len(PAGES) + 1))


def test_the_index_has_a_row_for_each_with_its_heading() -> None:
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    titles = [page.read_text(encoding="utf-8").splitlines()[0].partition(". ")[2] for page in PAGES]
    rows = [f"| [{page.name[:3]}]({page.name}) | {title} |" for page, title in zip(PAGES, titles, strict=True)]

    assert [line for line in index.splitlines() if line.startswith("| [")] == rows

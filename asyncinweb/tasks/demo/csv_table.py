"""From pasted text to rows of cells. Knows nothing about what is in the cells."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

Delimiter = Literal["comma", "semicolon", "tab"]
SIGNS: dict[Delimiter, str] = {"comma": ",", "semicolon": ";", "tab": "\t"}
# Enough to tell; and csv refuses cells that are much longer.
LONGEST_LINE = 100_000


@dataclass(frozen=True)
class Row:
    """The trimmed cells of a row, and the number of the line it starts in; the first line is 1."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class CsvTable:
    """Column names and the rows below them, which may be shorter or longer."""

    names: list[str]
    rows: list[Row]

    def column(self, number: int) -> list[str]:
        """The cells of a column from top to bottom; "" where a row is too short."""
        return [row.cells[number] if number < len(row.cells) else "" for row in self.rows]


def read_table(text: str, delimiter: Delimiter, header: bool) -> CsvTable:
    """Rows with nothing in them are left out. ValueError says in which line the text is no table."""
    rows = [row for row in _rows(text, SIGNS[delimiter]) if any(row.cells)]
    if not rows:
        raise ValueError("The table is empty: there is nothing in any cell.")
    width = Counter(len(row.cells) for row in rows).most_common(1)[0][0]
    if not header:
        return CsvTable(_names([], width), rows)
    if len(rows) == 1:
        raise ValueError(
            "There are column names but no rows below them. If it is a row, say that there are no names."
        )
    return CsvTable(_names(rows[0].cells, width), rows[1:])


def guess_delimiter(text: str) -> Delimiter:
    """The one that cuts most lines into equally many cells. ValueError if none does for half of the lines."""
    lines = [line[:LONGEST_LINE] for line in text.splitlines() if line.strip()][:500]
    agreement = {delimiter: _agreement(lines, sign) for delimiter, sign in SIGNS.items()}
    best = max(agreement, key=lambda delimiter: agreement[delimiter])
    share, _ = agreement[best]
    if share < 0.5:
        raise ValueError(
            "This does not look like a table: neither commas nor semicolons nor tabs cut its lines into equally "
            "many cells. If it is one, say what separates the cells."
        )
    return best


def _agreement(lines: list[str], sign: str) -> tuple[float, int]:
    """The share of the lines that the sign cuts into the most usual number of cells, at least two; that number."""
    # Line by line, so that a missing quotation mark spoils one line and not all that follow.
    widths = Counter(len(next(csv.reader([line], delimiter=sign))) for line in lines)
    width, agreeing = max(widths.items(), key=lambda item: (item[0] > 1, item[1]))
    return (agreeing / len(lines), width) if width > 1 else (0.0, 1)


def _rows(text: str, sign: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign, strict=True, skipinitialspace=True)
    line = 1
    try:
        for cells in reader:
            yield Row(line, [cell.strip() for cell in cells])
            line = reader.line_num + 1
    except csv.Error:
        raise ValueError(
            f"The row that begins in line {line} cannot be read; most likely a quotation mark is missing there, "
            "or one too many."
        ) from None


def _names(heading: list[str], width: int) -> list[str]:
    """A name for each column: what the heading says, with a number where it says nothing or the same twice."""
    seen = {""}
    names: list[str] = []
    for number, (name, _) in enumerate(zip_longest(heading, range(width), fillvalue=""), start=1):
        numbered = f"{name} ({number})" if name else f"column {number}"
        names.append(numbered if name in seen else name)
        seen.add(name)
    return names

"""A table: column names and rows. Knows nothing about what the cells mean."""

from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest

from asyncinweb.tasks.csv_reader.rows import CsvText, Row


@dataclass(frozen=True)
class CsvTable:
    """Column names and the rows below them, which may be shorter or longer."""

    names: list[str]
    rows: list[Row]

    def column(self, number: int) -> list[str]:
        """The cells of a column from top to bottom; "" where a row is too short."""
        return [row.cells[number] if number < len(row.cells) else "" for row in self.rows]


def read_table(csv_text: CsvText, sign: str, header: bool) -> CsvTable:
    """Empty rows are left out. ValueError names the line at which the text is not a table."""
    rows = [row for row in csv_text.rows(sign) if any(row.cells)]
    if not rows:
        raise ValueError("The table is empty: every cell is blank.")
    width = Counter(len(row.cells) for row in rows).most_common(1)[0][0]
    if not header:
        return CsvTable(_names([], width), rows)
    if len(rows) == 1:
        raise ValueError(
            "The table has only one row. If that row is data, untick 'The first row contains column names'."
        )
    return CsvTable(_names(rows[0].cells, width), rows[1:])


def _names(heading: list[str], width: int) -> list[str]:
    """A name for each column: its heading, with a number if that is empty or repeated."""
    seen = {""}
    names: list[str] = []
    for number, (name, _) in enumerate(zip_longest(heading, range(width), fillvalue=""), start=1):
        numbered = f"{name} ({number})" if name else f"column {number}"
        names.append(numbered if name in seen else name)
        seen.add(name)
    return names

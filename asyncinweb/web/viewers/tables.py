"""Tables of results: as many rows and columns as fit a page, and all of them as CSV."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from asyncinweb.queue.results import Stored

# What a page shows; the rest is a download away.
MOST_ROWS = 500
MOST_COLUMNS = 100
MOST_CELLS = 5_000
MOST_CHARACTERS_IN_CELL = 300
# A spreadsheet would run a text that starts with one of these as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# Without it, spreadsheets read a file as Latin-1.
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class Table:
    """The beginning of a table: rows of cells, all as long as `columns`. The totals count everything, shown or
    not."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    total_rows: int
    total_columns: int

    @property
    def is_cut(self) -> bool:
        return len(self.rows) < self.total_rows or len(self.columns) < self.total_columns

    @property
    def numeric(self) -> set[int]:
        """The positions of columns with only numbers."""
        return {
            place
            for place in range(len(self.columns))
            if all(isinstance(row[place], (int, float)) or row[place] == "" for row in self.rows)
        }


def table_of(stored: Stored) -> Table:
    """The beginning of a result that is a table. Reads no more of a file than that."""
    columns = stored.columns[:MOST_COLUMNS]
    most_rows = min(MOST_ROWS, MOST_CELLS // max(1, len(columns)))
    rows = [[_cell(record.get(name)) for name in columns] for record in islice(records_of(stored), most_rows)]
    return Table(columns, rows, stored.rows, len(stored.columns))


def records_of(stored: Stored) -> Iterator[dict[str, Any]]:
    """The records of a table, one after the other; a file has one per line."""
    if stored.path is None:
        yield from stored.value
        return
    with stored.path.open(encoding="utf-8") as lines:
        for line in lines:
            record = line.rstrip(",\n")
            if record not in ("[", "]", "[]"):
                yield json.loads(record)


def csv_of(stored: Stored) -> Iterator[str]:
    """The whole table as CSV, line by line."""
    rows = ([record.get(name) for name in stored.columns] for record in records_of(stored))
    return csv_lines(stored.columns, rows)


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """CSV for spreadsheets: UTF-8 with a byte order mark, and no text that they would run as a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write(BYTE_ORDER_MARK)
    for row in chain([columns], rows):
        writer.writerow([_csv_cell(cell) for cell in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _csv_cell(value: object) -> object:
    text = _in_words(value)
    if isinstance(text, str) and text.startswith(FORMULA_STARTS) and not _is_number(text):
        return f"'{text}"
    return text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _cell(value: object) -> object:
    text = _in_words(value)
    if isinstance(text, str) and len(text) > MOST_CHARACTERS_IN_CELL:
        return text[:MOST_CHARACTERS_IN_CELL] + "…"
    return text


def _in_words(value: object) -> object:
    """Numbers stay numbers, so that the page can align them to the right."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else value

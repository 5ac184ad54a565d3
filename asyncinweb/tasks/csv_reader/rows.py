"""From the text of a CSV file to rows of cells: finds the separator, and leaves the cells' meaning open."""

import csv
import io
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Literal

Delimiter = Literal["comma", "semicolon", "tab", "pipe"]
SIGNS: dict[Delimiter, str] = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
# Enough for a decision, and short enough for the csv module's usual cell limit.
SAMPLE_CHARACTERS, SAMPLE_ROWS = 100_000, 500
# A row with more lines most likely lacks a quotation mark.
MOST_LINES = 100
# Excel writes and obeys such a first line: sep=;
_SEP = re.compile(r'\A"?sep=([^\r\n])"?(?:\r\n|\r|\n|\Z)', re.IGNORECASE)
_limiting = threading.Lock()


class NoTable(ValueError):
    """Nothing separates this text into columns, or a quotation mark is missing."""


@dataclass(frozen=True)
class Row:
    """The trimmed cells of a row, and the number of the line it starts in; the first line is 1."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class CsvText:
    """A text, and the separator that its first line names, if any; `body` is the rest."""

    body: str
    first_line: int
    sign: str

    @classmethod
    def of(cls, text: str) -> "CsvText":
        """Remove the line that names the separator."""
        found = _SEP.match(text)
        return cls(text[found.end() :], 2, found[1]) if found else cls(text, 1, "")

    def rows(self, sign: str, *, is_whole: bool = True) -> list[Row]:
        """The rows, including empty ones; for a beginning, without the last row, which may be cut. Raises
        NoTable."""
        rows: list[Row] = []
        line = self.first_line
        with _cells_of_any_length(len(self.body)):
            text = io.StringIO(self.body, newline="")
            reader = csv.reader(text, delimiter=sign, strict=True, skipinitialspace=True)
            try:
                for cells in reader:
                    rows.append(Row(line, [cell.strip() for cell in cells]))
                    line = self.first_line + reader.line_num
            except csv.Error:
                if is_whole:
                    raise NoTable(
                        f"Can't read the row that starts on line {line}. It probably has a missing or extra "
                        "quotation mark."
                    ) from None
                return rows
        return rows if is_whole or len(rows) < 2 else rows[:-1]


def guess_delimiter(csv_text: CsvText) -> Delimiter:
    """The separator that cuts the most rows into the same number of cells. NoTable if none does so for half of
    them."""
    sample = csv_text.body[:SAMPLE_CHARACTERS]
    is_whole = len(sample) == len(csv_text.body)
    agreement = {delimiter: _agreement(sample, sign, is_whole=is_whole) for delimiter, sign in SIGNS.items()}
    if not re.search(r"\D,|,\D", sample):
        # They are all decimal commas, if another separator fits too.
        agreement["comma"] = min(agreement["comma"], (agreement["comma"][0], 2))
    best = max(agreement, key=lambda delimiter: (*agreement[delimiter], delimiter != "comma"))
    if agreement[best][0] < 0.5:
        raise NoTable(
            "This doesn't look like a table: no comma, semicolon, tab or pipe splits its lines into the same "
            "number of cells. If it is a table, choose what separates its cells."
        )
    return best


def _agreement(sample: str, sign: str, *, is_whole: bool) -> tuple[float, int]:
    """The share of rows that the separator cuts into the most common number of cells (at least two), and that
    number."""
    widths = _widths(sample, sign, is_whole=is_whole)
    if not widths:
        return 0.0, 1
    width, agreeing = max(widths.items(), key=lambda item: (item[0] > 1, item[1]))
    return (agreeing / widths.total(), width) if width > 1 else (0.0, 1)


def _widths(sample: str, sign: str, *, is_whole: bool) -> Counter[int]:
    """How often each number of cells occurs."""
    try:
        rows = CsvText(sample, 1, "").rows(sign, is_whole=is_whole)[:SAMPLE_ROWS]
    except NoTable:
        rows = []
    starts = [row.line for row in rows]
    if not rows or any(after - start > MOST_LINES for start, after in pairwise(starts)):
        # Line by line, so that a missing quotation mark spoils one line and not all that follow.
        lines = islice(io.StringIO(sample, newline=""), SAMPLE_ROWS)
        return Counter(len(next(csv.reader([line], delimiter=sign))) for line in lines if line.strip())
    return Counter(len(row.cells) for row in rows if any(row.cells))


@contextmanager
def _cells_of_any_length(length: int) -> Iterator[None]:
    """The csv module's limit applies to the whole process, and an author's code may rely on it."""
    if length < csv.field_size_limit():
        yield
        return
    with _limiting:
        usual = csv.field_size_limit(length + 1)
        try:
            yield
        finally:
            csv.field_size_limit(usual)

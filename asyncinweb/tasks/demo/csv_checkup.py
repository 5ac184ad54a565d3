"""Checking a table before it is used: a file or a long text in, a table out, findings in the log."""

from collections.abc import Sequence
from statistics import fmean
from typing import Annotated, Literal

from pydantic import Field

from asyncinweb.tasks.csv_reader.encodings import NAMES, Decoded, Encoding, decode
from asyncinweb.tasks.csv_reader.rows import SIGNS, CsvText, guess_delimiter
from asyncinweb.tasks.current import track
from asyncinweb.tasks.demo.csv_cells import Value, choose_reading
from asyncinweb.tasks.demo.csv_table import CsvTable, read_table
from asyncinweb.tasks.inputs.uploaded import Accept, UploadedFile
from asyncinweb.tasks.registry import task

SAMPLE = """\
order,date,customer,postcode,quantity,price
1001,2026-03-02,Hansen & Sons,04109,12,4.80
1002,2026-03-02,Blue Door Café,10115,3,19.90
1003,2026-03-03,Maria Ortega,01067,1,249.00
1004,2026-03-04,Blue Door Café,10115,,19.90
1005,2026-03-04,"Okafor, Baker",80331,40,0.95
1006,04.03.2026,Hansen & Sons,04109,6,4.80
1003,2026-03-03,Maria Ortega,01067,1,249.00
1007,2026-03-05,Little Bookshop,20095,2,n/a
1008,2026-03-06,Okafor,80331,40
1009,2026-03-06,Maria Ortega,01067,1O,12.50
1010,2026-03-09,,50667,5,7.25
1011,2026-03-09,Little Bookshop,20095,2,31.00
"""
# Log lines for each kind of finding; a column of the wrong kind would fill the log otherwise.
MOST_LINES = 20
LONGEST_SHOWN = 60


@task(timeout=300)
def csv_checkup(
    table: Annotated[
        str,
        Field(max_length=200_000, title="Table", description="Paste rows from a CSV file or a spreadsheet."),
    ] = SAMPLE,
    delimiter: Annotated[
        Literal["auto", "comma", "semicolon", "tab", "pipe"],
        Field(
            title="Cells are separated by",
            description="Auto detects the separator. Rows pasted from a spreadsheet use tabs.",
        ),
    ] = "auto",
    header: Annotated[bool, Field(title="The first row contains column names")] = True,
    file: Annotated[
        UploadedFile | None,
        Field(title="Or upload a file", description="Used instead of the table above."),
        Accept(".csv", ".tsv", ".txt", max_mb=5),
    ] = None,
    encoding: Annotated[
        Literal["auto", Encoding],
        Field(
            title="Encoding", description="Of the uploaded file. If letters look wrong, choose another encoding."
        ),
    ] = "auto",
) -> dict[str, object]:
    """Check a table for gaps and mistakes.

    Shows what each column contains: how many cells are filled, their type, and the smallest and largest value.
    The log lists duplicate rows, rows with missing cells, and cells that don't fit their column.
    """
    decoded = _decoded(file, encoding) if file else Decoded(table.removeprefix("\ufeff"), "UTF-8", False)
    if not decoded.text.strip():
        raise ValueError("The table is empty. Paste at least one row, or upload a file that has one.")
    csv_text = CsvText.of(decoded.text)
    sign = SIGNS[delimiter] if delimiter != "auto" else csv_text.sign or SIGNS[guess_delimiter(csv_text)]
    read = read_table(csv_text, sign, header)
    read_as = f"{_encoding_in_words(decoded) if file else ''}Separated by: {_name_of(sign)}."
    print(f"Rows: {len(read.rows)}. Columns: {len(read.names)}. {read_as}")
    _tell(_ragged_rows(read))
    _tell(_repeated_rows(read))
    columns = [_check_column(read, number) for number in track(range(len(read.names)), text="columns")]
    return {"Read as": read_as, "Columns": columns}


def _decoded(file: UploadedFile, encoding: str) -> Decoded:
    return decode(file.path.read_bytes(), next((name for name in NAMES if name == encoding), None))


def _encoding_in_words(decoded: Decoded) -> str:
    if not decoded.is_assumed:
        return f"Encoding: {decoded.encoding}. "
    return f"Encoding: {decoded.encoding} (assumed; if letters look wrong, choose another encoding). "


def _name_of(sign: str) -> str:
    return next((name for name, each in SIGNS.items() if each == sign), sign)


def _ragged_rows(table: CsvTable) -> list[str]:
    width = len(table.names)
    return [
        f"Line {row.line} has {len(row.cells)} cell{'' if len(row.cells) == 1 else 's'} instead of {width}."
        for row in table.rows
        if len(row.cells) != width
    ]


def _repeated_rows(table: CsvTable) -> list[str]:
    first_line: dict[tuple[str, ...], int] = {}
    findings: list[str] = []
    for row in table.rows:
        first = first_line.setdefault(tuple(row.cells), row.line)
        if first != row.line:
            findings.append(f"Line {row.line} is the same as line {first}.")
    return findings


def _check_column(table: CsvTable, number: int) -> dict[str, object]:
    """The row of the result for a column. Logs the cells that do not fit."""
    name, cells = table.names[number], table.column(number)
    filled = [cell for cell in cells if cell]
    reading, rivals = choose_reading(filled)
    for rival in rivals:
        print(f"Column {name!r} was read as {reading.how if reading else 'text'}, but {rival.how} would fit too.")
    facts = {
        "column": name,
        "type": reading.type if reading else "text" if filled else "empty",
        "filled": len(filled),
        "empty": len(cells) - len(filled),
        "distinct": len(set(filled)),
    }
    if reading is None:
        return {**facts, **_extremes([]), "longest": _shortened(max(filled, key=len, default="")) or None}
    values = [(row.line, cell, reading.read(cell)) for row, cell in zip(table.rows, cells, strict=True) if cell]
    _tell(
        [
            f"Column {name!r}, line {line}: {_shortened(cell)!r} doesn't fit. The other cells are {reading.how}."
            for line, cell, value in values
            if value is None
        ]
    )
    return {**facts, **_extremes([value for _, _, value in values if value is not None]), "longest": None}


def _extremes(values: Sequence[Value]) -> dict[str, object]:
    """Smallest, largest and mean of numbers; earliest and latest of dates."""
    numbers = [value for value in values if isinstance(value, float)]
    dates = [value for value in values if isinstance(value, str)]
    if numbers:
        return {"min": _plain(min(numbers)), "max": _plain(max(numbers)), "mean": _rounded(fmean(numbers))}
    return {"min": min(dates, default=None), "max": max(dates, default=None), "mean": None}


def _plain(number: float) -> float:
    """12 rather than 12.0."""
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def _rounded(number: float) -> float:
    """Three decimals, or three digits of a number below 1."""
    return _plain(round(number, 3) if abs(number) >= 1 else float(f"{number:.3g}"))


def _shortened(cell: str) -> str:
    return cell if len(cell) <= LONGEST_SHOWN else cell[: LONGEST_SHOWN - 1] + "…"


def _tell(findings: list[str]) -> None:
    for finding in findings[:MOST_LINES]:
        print(finding)
    if len(findings) > MOST_LINES:
        print(f"… and {len(findings) - MOST_LINES} more like this.")

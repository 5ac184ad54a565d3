"""Tables of records: lists of dicts or of objects with named members, and structured arrays.

A table is stored as a list of records. Columns with the same name get numbers: `price`, `price (2)`.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from asyncinweb.tasks.outputs.jsonable import attribute, fields_of, jsonable, warning_about
from asyncinweb.tasks.outputs.return_value import ReturnValue, json_bytes, utf8

Record = dict[str, Any]
# A list of dicts with more distinct keys than this is not a table.
MOST_COLUMNS = 10_000


def records(value: object) -> ReturnValue | None:
    """A list of dicts, dataclasses, models, named tuples or database rows, all with scalar values."""
    if not isinstance(value, list):
        return None
    rows = _rows(value)
    if rows is None:
        return None
    odd: list[str] = []
    found = jsonable(rows, odd)
    # A row can be the author's own dict type, or contain something deep.
    if not isinstance(found, list) or not all(isinstance(record, dict) for record in found):
        return None
    columns = list(dict.fromkeys(name for record in found for name in record))
    return table(columns, found, odd) if len(columns) <= MOST_COLUMNS else None


def structured_array(value: Any) -> ReturnValue | None:
    """A numpy array with named fields."""
    names = attribute(attribute(value, "dtype"), "names")
    if not names or attribute(value, "ndim") != 1:
        return None
    return table_of_columns(names, [_items(value[name]) for name in names])


def table(columns: Sequence[str], records: Iterable[Record], odd: list[str]) -> ReturnValue:
    """Records in JSON's own types, one per line, so that the beginning of a long table can be read on its own."""
    lines = [json_bytes(record) for record in records]
    data = b"[\n" + b",\n".join(lines) + b"\n]" if lines else b"[]"
    names = tuple(utf8(column).decode() for column in columns)
    return ReturnValue(
        "table", "application/json", "json", data, warning_about(odd), columns=names, rows=len(lines)
    )


def table_of_columns(names: Iterable[object], columns: Sequence[Iterable[Any]]) -> ReturnValue:
    """A table from its columns. A missing cell (NaN, NaT, NA) is None."""
    return table_of_rows(told_apart([column_name(name) for name in names]), zip(*columns, strict=True))


def table_of_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> ReturnValue:
    """A table from its rows. A missing cell (NaN, NaT, NA) is None."""
    odd: list[str] = []
    records = [dict(zip(columns, (_cell(cell, odd) for cell in row), strict=True)) for row in rows]
    return table(columns, records, odd)


def column_name(column: object) -> str:
    """A column's name as text; multiple levels are joined by slashes."""
    if isinstance(column, tuple):
        return " / ".join(str(level) for level in column if str(level))
    return str(column)


def told_apart(names: Sequence[str]) -> list[str]:
    """The names, made unique: `price`, `price (2)`."""
    apart: dict[str, None] = {}
    for name in names:
        unique, count = name, 1
        while unique in apart:
            count += 1
            unique = f"{name} ({count})"
        apart[unique] = None
    return list(apart)


def _rows(values: list[Any]) -> list[Any] | None:
    """The rows of a table as dicts; None if the value is not a table. Without rows, it has no columns either."""
    rows = []
    for value in values:
        row = value if isinstance(value, dict) else _members(value)
        if not row or any(isinstance(cell, (dict, list, tuple, set)) for cell in row.values()):
            return None
        rows.append(row)
    return rows


def _members(value: object) -> dict[str, Any] | None:
    try:
        return fields_of(value)
    except Exception:  # an author's own object can fail in any way
        return None


def _items(column: Any) -> Iterator[Any]:
    """The items of an array in Python's own types; times as text, because they would become nanosecond counts."""
    return iter(column.astype(str) if column.dtype.kind in "Mm" else column.tolist())


def _cell(value: Any, odd: list[str]) -> Any:
    return None if _is_missing(value) else jsonable(value, odd)


def _is_missing(value: Any) -> bool:
    """NaN and NaT differ from themselves; comparing pandas' NA fails."""
    try:
        return bool(value != value)
    except Exception:
        return type(value).__name__ == "NAType"

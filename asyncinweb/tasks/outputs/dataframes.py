"""Tables in what a function returned: lists of dicts, and DataFrames by what they can do, without their libraries.

A table is kept as a list of records. Columns of one name are told apart: `price`, `price (2)`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from asyncinweb.tasks.outputs.jsonable import attribute, jsonable

Record = dict[str, Any]
# A list of dicts with more different keys than this is no table.
MOST_COLUMNS = 10_000


def is_records(value: object) -> bool:
    """A list of at least one dict, all with scalar values."""
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(
            isinstance(row, dict)
            and row
            and not any(isinstance(cell, (dict, list, tuple, set)) for cell in row.values())
            for row in value
        )
    )


def is_frame(value: object) -> bool:
    """Something like a DataFrame or a Series of pandas, or a DataFrame of polars."""
    return (attribute(value, "columns") is not None and _rows_method(value) is not None) or _is_series(value)


def columns_of(records: Iterable[Record]) -> list[str]:
    """The names in the order in which they first come up."""
    return list(dict.fromkeys(name for record in records for name in record))


def frame_records(frame: Any, odd: list[str]) -> tuple[list[str], list[Record]]:
    """The columns and records of a DataFrame. A missing cell (NaN, NaT, NA) is None.

    The index comes first, unless it only counts the rows. Raises whatever the frame raises.
    """
    if _is_series(frame):
        frame = frame.to_frame()
    index = _index_names(frame)
    columns = _told_apart([*index, *(_name(column) for column in frame.columns)])
    return columns, [
        dict(zip(columns, (jsonable(_cell(cell), odd) for cell in row), strict=True))
        for row in _rows(frame, len(index))
    ]


def _is_series(value: object) -> bool:
    return callable(attribute(value, "to_frame")) and attribute(value, "index") is not None


def _rows_method(value: object) -> Callable[..., Iterable[Any]] | None:
    for name in ("itertuples", "iter_rows"):
        method = attribute(value, name)
        if callable(method):
            return method  # type: ignore[no-any-return]
    return None


def _rows(frame: Any, index_levels: int) -> Iterator[tuple[Any, ...]]:
    if not callable(attribute(frame, "itertuples")):
        yield from frame.iter_rows()
        return
    for row in frame.itertuples(index=index_levels > 0, name=None):
        if index_levels > 1:
            yield (*row[0], *row[1:])
        else:
            yield row


def _index_names(frame: Any) -> list[str]:
    """Names for the index's levels; none for an index that only counts the rows."""
    index = attribute(frame, "index")
    if index is None or callable(index):
        return []
    names = list(index.names)
    counts_rows = type(index).__name__ == "RangeIndex" and (index.start, index.step) == (0, 1)
    if counts_rows and names == [None]:
        return []
    if len(names) == 1:
        return ["index" if names[0] is None else _name(names[0])]
    return [f"level {level}" if name is None else _name(name) for level, name in enumerate(names)]


def _name(column: object) -> str:
    """A column's name as text; the levels of one that has several with slashes between."""
    if isinstance(column, tuple):
        return " / ".join(str(level) for level in column if str(level))
    return str(column)


def _told_apart(names: list[str]) -> list[str]:
    apart: dict[str, None] = {}
    for name in names:
        told, count = name, 1
        while told in apart:
            count += 1
            told = f"{name} ({count})"
        apart[told] = None
    return list(apart)


def _cell(value: Any) -> Any:
    return None if _is_missing(value) else value


def _is_missing(value: Any) -> bool:
    """NaN and NaT differ from themselves; pandas' NA cannot even say so."""
    try:
        return bool(value != value)
    except Exception:
        return type(value).__name__ == "NAType"

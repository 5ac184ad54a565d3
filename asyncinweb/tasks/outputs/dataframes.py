"""DataFrames and similar objects, recognised by what they can do, without importing pandas, polars or pyarrow."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from asyncinweb.tasks.outputs.jsonable import attribute
from asyncinweb.tasks.outputs.return_value import ReturnValue, described
from asyncinweb.tasks.outputs.tables import column_name, table_of_columns, table_of_rows, told_apart


def dataframe(value: object) -> ReturnValue | None:
    """A DataFrame or Series of pandas or polars, the data of a pandas Styler."""
    frame = attribute(value, "data") if callable(attribute(value, "set_table_styles")) else value
    return _read(value, lambda: _frame(frame)) if _is_frame(frame) or _is_series(frame) else None


def arrow_table(value: Any) -> ReturnValue | None:
    """A Table or RecordBatch of pyarrow."""
    if attribute(value, "column_names") is None or not callable(attribute(value, "to_pylist")):
        return None
    return _read(
        value, lambda: table_of_columns(value.column_names, [column.to_pylist() for column in value.columns])
    )


def _read(value: object, read: Callable[[], ReturnValue]) -> ReturnValue:
    try:
        return read()
    except Exception as error:  # another library's object, known only by its attributes
        return described(value, "The table could not be read", error)


def _is_frame(value: object) -> bool:
    return attribute(value, "columns") is not None and any(
        callable(attribute(value, name)) for name in ("itertuples", "iter_rows")
    )


def _is_series(value: object) -> bool:
    """A pandas Series has an index, and a polars one converts to Arrow; a pandas index does neither."""
    return callable(attribute(value, "to_frame")) and (
        attribute(value, "index") is not None or callable(attribute(value, "to_arrow"))
    )


def _frame(frame: Any) -> ReturnValue:
    """The columns and records of a DataFrame. The index comes first, unless it only counts the rows."""
    if _is_series(frame):
        frame = frame.to_frame()
    index = _index_names(frame)
    columns = told_apart([*index, *(column_name(column) for column in frame.columns)])
    return table_of_rows(columns, _rows(frame, len(index)))


def _rows(frame: Any, index_levels: int) -> Iterator[tuple[Any, ...]]:
    if not callable(attribute(frame, "itertuples")):
        yield from frame.iter_rows()
        return
    rows: Iterable[Any] = frame.itertuples(index=index_levels > 0, name=None)
    for row in rows:
        yield (*row[0], *row[1:]) if index_levels > 1 else row


def _index_names(frame: Any) -> list[str]:
    """Names for the index's levels; empty for an index that only counts the rows."""
    index = attribute(frame, "index")
    if index is None or callable(index):
        return []
    names = list(index.names)
    counts_rows = type(index).__name__ == "RangeIndex" and (index.start, index.step) == (0, 1)
    if counts_rows and names == [None]:
        return []
    if len(names) == 1:
        return ["index" if names[0] is None else column_name(names[0])]
    return [f"level {level}" if name is None else column_name(name) for level, name in enumerate(names)]

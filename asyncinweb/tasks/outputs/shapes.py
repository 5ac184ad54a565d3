"""The table of result shapes: from what a function returned to what is stored and how a page shows it.

Each natural shape is one function `(value) -> ReturnValue | None` in the file of its family. A new kind takes such
a function, a line in SHAPES and a row in docs/writing-tasks.md. No work is lost because a value is odd: a value
that JSON cannot express is kept as its `repr`, with a warning. Nothing here writes files.
"""

from collections.abc import Callable
from dataclasses import replace

from asyncinweb.tasks.outputs import dataframes, documents, files, images, tables, texts
from asyncinweb.tasks.outputs.return_value import ReturnValue
from asyncinweb.tasks.outputs.sections import MOST_ENTRIES, MOST_LEVELS, entries_of, is_special, may_be_special

Shaped = Callable[[object], ReturnValue | None]
TOO_MANY = (
    f"There are more than {MOST_ENTRIES:,} results, too many to show one by one, so they're kept as text. "
    "Save files with current_job.save_file, or put them in one archive."
)


def sections(value: object) -> ReturnValue | None:
    """Several results: the entries of a dict, sequence or object, if one of them shows more than JSON would."""
    return _sections(value, ())


# Tried in this order; the first that knows the value wins. The last one knows every value.
SHAPES: tuple[Shaped, ...] = (
    texts.nothing,
    texts.markdown,
    images.svg_text,
    texts.text,
    texts.number,
    images.image_bytes,
    files.binary,
    files.path,
    files.open_file,
    documents.plotly_figure,
    documents.bokeh_figure,
    documents.altair_chart,
    tables.structured_array,
    dataframes.arrow_table,
    dataframes.dataframe,
    images.figure,
    images.picture,
    sections,
    tables.records,
    texts.anything,
)


def to_return_value(value: object, most_bytes: int = files.MOST_BYTES) -> ReturnValue:
    """Choose the shape in which a page shows the value. Never fails: a hostile `repr` is replaced too.

    most_bytes: how much of an open file is read, plus one byte to see whether there is more.
    """
    reset = files.most_bytes.set(most_bytes)
    try:
        return _shaped(value, ())
    finally:
        files.most_bytes.reset(reset)


def _shaped(value: object, above: tuple[int, ...]) -> ReturnValue:
    """The first shape that knows the value. above: the ids of the values that contain it."""
    for shape in SHAPES:
        found = _sections(value, above) if shape is sections else shape(value)
        if found is not None:
            return found
    raise AssertionError("the last shape knows any value")


def _sections(value: object, above: tuple[int, ...]) -> ReturnValue | None:
    entries = entries_of(value) if may_be_special(value, above) else None
    if entries is None or id(value) in above or len(above) == MOST_LEVELS:
        return None
    is_named_result = isinstance(value, dict) and not above
    items = [item for _, item in entries.items]
    shown = (_shaped(item, (*above, id(value))) for item in items)
    if entries.total > MOST_ENTRIES:
        is_worth_it = any(
            is_special(part, item, is_named_result=is_named_result)
            for part, item in zip(shown, items, strict=False)
        )
        return replace(texts.anything(value), warning=TOO_MANY) if is_worth_it else None
    parts = list(shown)
    if not any(
        is_special(part, item, is_named_result=is_named_result) for part, item in zip(parts, items, strict=True)
    ):
        return None
    if entries.is_numbered and len(parts) == 1 < entries.total:
        return parts[0]
    names = (name for name, _ in entries.items)
    named = tuple(zip(names, parts, strict=True))
    return ReturnValue("several", "application/zip", "zip", parts=named, is_numbered=entries.is_numbered)

"""Several results in one value: the names of its sections, and whether sections are worthwhile."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from itertools import islice
from typing import Any
from uuid import UUID

from asyncinweb.tasks.outputs.images import LOOKS_LIKE_SVG, figure_of
from asyncinweb.tasks.outputs.jsonable import WITHOUT_WORDS, attribute, fields_of, safe_repr, text_key
from asyncinweb.tasks.outputs.return_value import ReturnValue
from asyncinweb.tasks.outputs.texts import Markdown

# A value with more entries gets no sections.
MOST_ENTRIES = 1_000
# The deepest nesting of sections.
MOST_LEVELS = 5
# Shapes that JSON can express too.
PLAIN_SHAPES = ("none", "text", "number", "json")
# Values of these types contain nothing to look for.
ATOMS = frozenset({type(None), bool, int, float})
PLAIN_TYPES = (bool, int, float, complex, Decimal, date, time, timedelta, UUID, Enum, range)

Named = Sequence[tuple[str, Any]]


@dataclass(frozen=True)
class Entries:
    """The parts of a value by name. is_numbered: the names are only their numbers. total: how many there are,
    including those beyond MOST_ENTRIES."""

    items: Named
    is_numbered: bool
    total: int


def entries_of(value: Any) -> Entries | None:
    """The possible sections of a value, by name or number; None if it has no parts."""
    try:
        return _entries(value)
    except Exception:  # an author's own container can fail in any way
        return None


def may_be_special(value: object, above: tuple[int, ...] = ()) -> bool:
    """False if the value contains only plain values; fast in that case."""
    if type(value) in ATOMS or _is_plain(value):
        return False
    if id(value) in above or len(above) == MOST_LEVELS:
        return False
    items = _items(value)
    inside = (*above, id(value))
    return items is None or any(
        type(item) not in ATOMS and (may_be_special(item, inside) or (not above and _is_plain_table(item)))
        for item in items
    )


def is_special(part: ReturnValue, item: object, *, is_named_result: bool) -> bool:
    """True if a section shows more than JSON would. A list of plain rows counts only as a named result."""
    if part.shape in PLAIN_SHAPES or (isinstance(item, list) and not item):
        return False
    return is_named_result or not _is_plain_table(item)


def _items(value: Any) -> Iterable[Any] | None:
    """The first parts of a value, without their names where that saves time; None if it has none."""
    if type(value) in (list, tuple):
        return islice(value, MOST_ENTRIES)
    if type(value) is dict:
        return islice(value.values(), MOST_ENTRIES)
    entries = entries_of(value)
    return None if entries is None else [item for _, item in entries.items]


def _entries(value: Any) -> Entries | None:
    if isinstance(value, (str, type)):
        return None
    members = value if isinstance(value, Mapping) else fields_of(value)
    if members is not None:
        named = [(text_key(key, members), item) for key, item in islice(members.items(), MOST_ENTRIES)]
        return Entries(_each_figure_once(named), is_numbered=False, total=len(members))
    if not isinstance(value, (Sequence, set, frozenset)) or isinstance(value, WITHOUT_WORDS):
        return None
    items = sorted(value, key=safe_repr) if isinstance(value, (set, frozenset)) else value
    numbered = [(str(number), item) for number, item in enumerate(islice(items, MOST_ENTRIES), start=1)]
    return Entries(_each_figure_once(numbered), is_numbered=True, total=len(value))


def _each_figure_once(items: Named) -> Named:
    """Without axes and lines on a figure that another entry shows: `return fig, ax`."""
    seen: list[Any] = []
    kept = []
    for name, item in items:
        figure = None if _is_plain(item) else figure_of(item)
        if figure is not None and any(figure is each for each in seen):
            continue
        seen.append(figure)
        kept.append((name, item))
    return kept


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return not isinstance(value, Markdown) and not LOOKS_LIKE_SVG.match(value[:4000])
    if type(value) in (dict, list, tuple):
        return False
    if isinstance(value, PLAIN_TYPES) or value is None:
        return True
    # Numbers and arrays of numpy's, unless they have fields or hold objects.
    kind = attribute(attribute(value, "dtype"), "kind")
    return isinstance(kind, str) and kind not in "VO" and attribute(value, "index") is None


def _is_plain_table(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)

"""Lazy values, which show nothing until their contents are taken: iterators and views of a dict.

Taking the contents runs the author's code, and works only once. So it is done before anything else looks at the
value, in the function's own thread, where a stop can reach it.
"""

from collections.abc import ItemsView, Iterable, Iterator, KeysView, ValuesView
from itertools import islice

from asyncinweb.errors import AsyncInWebError

# A lazy value with more items is treated as endless.
MOST_ITEMS = 10_000_000
LAZY = (Iterator, KeysView, ValuesView, ItemsView)


def filled(value: object, levels: int) -> object:
    """The value with lists in place of lazy values, alone or in dicts, lists and tuples, `levels` deep.

    Raises AsyncInWebError if one is endless.
    """
    if isinstance(value, LAZY) and not hasattr(value, "read"):  # a file is an iterator, too
        return [filled(item, levels - 1) for item in _items_of(value)]
    if type(value) is dict and _is_worth_a_look(value.values(), levels):
        return {key: filled(item, levels - 1) for key, item in value.items()}
    if type(value) in (list, tuple) and _is_worth_a_look(value, levels):  # type: ignore[arg-type]
        return [filled(item, levels - 1) for item in value]  # type: ignore[attr-defined]
    return value


def _is_worth_a_look(values: Iterable[object], levels: int) -> bool:
    # By type, because a long list has few types.
    inside = (dict, list, tuple, *LAZY) if levels > 1 else LAZY
    return levels > 0 and any(issubclass(each, inside) for each in set(map(type, values)))


def _items_of(value: Iterable[object]) -> list[object]:
    items = list(islice(value, MOST_ITEMS + 1))
    if len(items) > MOST_ITEMS:
        raise AsyncInWebError(
            f"The function returned a {type(value).__name__} with more than {MOST_ITEMS:,} items. "
            "Return a list of the ones you need."
        )
    return items

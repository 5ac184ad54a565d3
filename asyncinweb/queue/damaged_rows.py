"""Rows that aren't as this program wrote them: changed by hand, by another version, by a faulty disk.

SQLite keeps any value in any column. So that one such row breaks no list, page or worker, all code that reads a
row replaces an unreadable value by a harmless one, and remembers the column's name.
"""

import json
import logging
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Float, Integer, Table

from asyncinweb import clock

log = logging.getLogger(__name__)

# We never write a larger whole number, and SQLite could not add to it.
LARGEST_COUNT = 2**53
# Most are halves of a whole character, such as an emoji.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
# The errors of reading stored JSON that does not have our shape.
MISSHAPEN = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
# How many named rows a process remembers.
MOST_NAMED = 1_000
_named: set[str] = set()


@dataclass(frozen=True)
class Rule:
    """What a column may contain: values of this type for which `is_sound` is true. `stand_in` replaces anything
    else."""

    kind: type
    is_sound: Callable[[Any], bool] | None
    stand_in: object


Rules = Mapping[str, Rule]


def rules_of(table: Table) -> Rules:
    """The rule of each column: by its type, and by its `info`, which may name `one_of` or say `is_json_object`."""
    return {column.name: _rule_of(column) for column in table.columns}


def _rule_of(column: "Column[Any]") -> Rule:
    stand_in = None if column.nullable else column.info.get("stand_in")
    known = column.info.get("one_of")
    if known is not None:
        return Rule(str, frozenset(known).__contains__, stand_in)
    if column.info.get("is_json_object"):
        return Rule(str, is_json_object, stand_in)
    if isinstance(column.type, Integer):
        return Rule(int, _is_count, stand_in if column.nullable else stand_in or 0)
    if isinstance(column.type, Float):
        return Rule(float, math.isfinite, stand_in)
    if column.type.python_type is datetime:
        return Rule(datetime, _is_readable, clock.UNREADABLE)
    return Rule(str, None, stand_in if column.nullable else stand_in or "")


def mend(values: dict[str, Any], rules: Rules) -> tuple[str, ...]:
    """Put stand-ins into a row's values, by name. The names of the columns that could not be read."""
    damaged = []
    for name, value in values.items():
        rule = rules.get(name)
        if rule is None or value is None:
            continue
        if type(value) is not rule.kind or (rule.is_sound is not None and not rule.is_sound(value)):
            if type(value) is float and not math.isfinite(value) and rule.kind is float:
                # An older version stored such figures.
                values[name] = None
                continue
            if rule.kind is float and type(value) is int:
                continue
            values[name] = rule.stand_in
            damaged.append(name)
    return tuple(damaged)


def name_in_log(what: str, columns: tuple[str, ...]) -> None:
    """Log once for each row that it's damaged, and where."""
    if what in _named:
        return
    if len(_named) >= MOST_NAMED:
        _named.clear()
    _named.add(what)
    log.warning("%s is damaged: its %s can't be read", what, ", ".join(columns))


def count_of(value: object) -> int:
    """A whole number from a row as the driver gives it; 0 for anything else."""
    return value if type(value) is int and _is_count(value) else 0


def is_json_object(text: str) -> bool:
    try:
        return isinstance(stored_json(text), dict)
    except (ValueError, RecursionError):
        return False


def stored_json(text: str) -> Any:
    """The value of JSON in a row. Raises ValueError for half a character (`\\ud800`): JSON can name one, but no
    page can show it."""
    value = json.loads(text)
    if _SURROGATE.search(text):
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _is_count(value: int) -> bool:
    return -LARGEST_COUNT <= value <= LARGEST_COUNT


def _is_readable(value: datetime) -> bool:
    return value is not clock.UNREADABLE

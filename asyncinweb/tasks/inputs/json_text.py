"""JSON that a person types: read with errors in plain words, and refused if it could not be stored or passed on.

Interoperable JSON only (RFC 8259, sections 6 to 8): 64-bit whole numbers, finite numbers, texts without lone
surrogates.
"""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

MOST_LEVELS = 50
# What Python's reader says, in words for the person who typed it.
FAULTS = {
    "Expecting property name enclosed in double quotes": "property names need double quotes",
    "Expecting value": "a value is missing",
    "Expecting ',' delimiter": "a comma is missing",
    "Expecting ':' delimiter": "a colon is missing",
    "Extra data": "there's more text after the end",
    "Unterminated string starting at": "a closing quote is missing",
    "Invalid control character at": "text can't contain line breaks; write \\n",
    "Illegal trailing comma before end of object": "there's a comma before the closing bracket",
    "Illegal trailing comma before end of array": "there's a comma before the closing bracket",
}
SMALLEST, LARGEST = -(2**63), 2**63 - 1


@dataclass(frozen=True)
class Unreadable:
    """A text that isn't JSON, and why."""

    text: str
    why: str


def read_json(text: str) -> object:
    """The value of a text, or Unreadable."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        return Unreadable(text, too_deep(MOST_LEVELS))
    except json.JSONDecodeError as error:
        why = FAULTS.get(error.msg) or error.msg[:1].lower() + error.msg[1:]
        return Unreadable(text, f"isn't valid JSON (line {error.lineno}, column {error.colno}): {why}")
    except ValueError as error:
        return Unreadable(text, str(error))


def show_json(value: object) -> str:
    """The text for editing a value: on one line if it is short."""
    line = json.dumps(value, ensure_ascii=False, default=str)
    return line if len(line) <= 60 else json.dumps(value, ensure_ascii=False, indent=2, default=str)


def fault_of(value: object) -> str:
    """Why a value cannot be stored as JSON, in words that follow its name; "" if it can.

    Looks only into dicts, lists and tuples; the type hint covers everything else.
    """
    return value.why if isinstance(value, Unreadable) else first_fault(value, _own_fault, MOST_LEVELS)


def first_fault(value: object, own_fault: Callable[[object], str], most_levels: int) -> str:
    """The first fault in a value, level by level, in words that follow its name; "" if there is none.

    Without recursion, because the value may be nested as deep as Python's own reader allows. own_fault: checks one
    value without its contents.
    """
    level: list[object] = [value]
    for _ in range(most_levels):
        for each in level:
            if fault := own_fault(each):
                return fault
        level = [item for each in level for item in _items(each)]
        if not level:
            return ""
    return too_deep(most_levels)


def too_deep(most_levels: int) -> str:
    """The fault of a value that is nested deeper than this."""
    return f"is nested too deeply (the limit is {most_levels} levels)"


def _own_fault(value: object) -> str:
    if isinstance(value, str):
        return text_fault(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "contains infinity or NaN, which JSON can't hold"
    if isinstance(value, int) and not SMALLEST <= value <= LARGEST:
        return f"contains a whole number beyond {LARGEST:,}; put it in quotes"
    return ""


def text_fault(text: str) -> str:
    """Why a text cannot be stored, "" if it can."""
    if "\0" in text:
        return "contains the character NUL, which isn't allowed"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "contains half of a character (a lone surrogate)"
    return ""


def _items(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, (list, tuple)) else ()


def _refuse(constant: str) -> object:
    raise ValueError(f"contains {constant}, which isn't valid JSON")

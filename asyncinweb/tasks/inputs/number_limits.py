"""Numbers that a type hint allows, but that not every program would receive unchanged."""

import math
from collections.abc import Sequence
from typing import Any

from asyncinweb.tasks.inputs.fields import FormField
from asyncinweb.tasks.inputs.json_text import LARGEST, SMALLEST
from asyncinweb.tasks.inputs.messages import shown


def odd_number_in(field: FormField, value: object) -> str:
    """Why a validated value of this field cannot be stored, in words that follow its name; "" if it can."""
    for number in each_of(value):
        if fault := _fault_of(field, number):
            return fault
    return ""


def each_of(value: Any) -> Sequence[Any]:
    """The items of a list or set; otherwise the value itself, if there is one."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, (list, set, frozenset)) else (value,)


def _fault_of(field: FormField, number: object) -> str:
    if isinstance(number, float) and not math.isfinite(number):
        return f"must be a finite number, not {number}"
    # An author who sets a limit has thought about the consequences.
    if field.kind != "integer" or not isinstance(number, int):
        return ""
    if number > LARGEST and not field.maximum:
        return f"must be at most {LARGEST:,}, not {shown(number)}"
    if number < SMALLEST and not field.minimum:
        return f"must be at least {SMALLEST:,}, not {shown(number)}"
    return ""

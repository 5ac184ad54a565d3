"""Pydantic's errors about a wrong value, in words for visitors: what it must be instead."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from asyncinweb.errors import nearest
from asyncinweb.tasks.inputs.fields import FormField, as_text
from asyncinweb.tasks.inputs.unclear import Unclear
from asyncinweb.units import counted
from asyncinweb.validation_messages import VALIDATION_MESSAGES, requirement

# Python refuses to print whole numbers of more than 4300 digits.
MOST_BITS = 1_000
LIMITS = ("greater_than_equal", "greater_than", "less_than_equal", "less_than")


def in_words(error: ValidationError, task: str, fields: Sequence[FormField]) -> dict[str, str]:
    """One message for each wrong field, and for names that are not parameters."""
    known = {field.name: field for field in fields}
    leaves = {leaf.name: leaf for field in fields for leaf in field.leaves}
    messages: dict[str, str] = {}
    for each in error.errors(include_url=False):
        where = [str(part) for part in each["loc"]] or ["arguments"]
        name, field = where[0], known.get(where[0])
        if field is not None and field.kind == "group" and f"{name}.{''.join(where[1:2])}" in leaves:
            name = f"{name}.{where[1]}"
        if each["type"] == "extra_forbidden":
            messages.setdefault(name, f"isn't a parameter of {task}.{nearest(name, leaves)}")
        else:
            messages.setdefault(name, _message(each, leaves.get(name)))
    return messages


def _message(error: ErrorDetails, field: FormField | None) -> str:
    kind, value, facts = error["type"], error["input"], _readable(error.get("ctx", {}))
    if isinstance(value, Unclear):
        return value.advice
    if field is not None and field.multiple and kind in ("too_long", "too_short"):
        return _wrong_number(field, facts)
    is_empty = (value is None and kind != "file") or (value == "" and kind == "string_too_short")
    if kind == "missing" or is_empty:
        return "is required"
    if kind == "file":
        return "is required" if value is None else error["msg"]
    message = requirement(kind, facts, error["msg"])
    if field is not None and field.kind == "secret":
        # A secret must not appear on a page or in a log; only our own words are sure not to contain it.
        return message if kind in VALIDATION_MESSAGES else "isn't valid"
    return message + (
        _but_was(kind, value) if message.startswith(("must ", "should ")) else f" (got {shown(value)})"
    )


def _but_was(kind: str, value: object) -> str:
    """The refused value, in words that follow what it must be."""
    if kind == "string_too_short":
        return ""
    if kind == "string_too_long":
        return f", not {len(str(value))}"
    if kind in LIMITS and not isinstance(value, int):
        return f", not {as_text(value)}"
    return f", not {shown(value)}"


def shown(value: object) -> str:
    """A value as a message shows it: shortened if it is long."""
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        return f"{Decimal(value):.3e}"
    text = repr(as_text(value) if isinstance(value, timedelta) else value)
    return text if len(text) <= 60 else text[:57] + "…"


def _wrong_number(field: FormField, facts: Mapping[str, Any]) -> str:
    thing = "file" if field.kind == "file" else "value"
    if "max_length" in facts:
        return f"must have at most {counted(facts['max_length'], thing)}, not {facts['actual_length']}"
    return f"must have at least {counted(facts['min_length'], thing)}"


def _readable(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: as_text(value) if isinstance(value, (datetime, timedelta)) else value
        for name, value in facts.items()
    }

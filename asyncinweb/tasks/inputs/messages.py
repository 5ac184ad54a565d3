"""What pydantic says about a wrong value, as a visitor wants to read it: the value and the cure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from asyncinweb.errors import nearest
from asyncinweb.tasks.inputs.fields import FormField, as_text
from asyncinweb.tasks.inputs.unclear import Unclear
from asyncinweb.validation_messages import VALIDATION_MESSAGES

# Python refuses to write out whole numbers of more than 4300 digits.
MOST_BITS = 1_000


def in_words(error: ValidationError, task: str, fields: Sequence[FormField]) -> dict[str, str]:
    """For each field that is wrong, one message; also for names that are no parameter."""
    known = {field.name: field for field in fields}
    leaves = {leaf.name: leaf for field in fields for leaf in field.leaves}
    messages: dict[str, str] = {}
    for each in error.errors(include_url=False):
        where = [str(part) for part in each["loc"]] or ["arguments"]
        name, field = where[0], known.get(where[0])
        if field is not None and field.kind == "group" and f"{name}.{''.join(where[1:2])}" in leaves:
            name = f"{name}.{where[1]}"
        if each["type"] == "extra_forbidden":
            messages.setdefault(name, f"is no parameter of {task}.{nearest(name, leaves)}")
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
        return "is missing; please fill it in"
    if kind == "file":
        return "is missing; please choose a file" if value is None else error["msg"]
    if kind == "string_too_long":
        return f"is too long: {len(str(value))} characters, at most {facts['max_length']} are allowed"
    message = VALIDATION_MESSAGES.get(kind)
    if field is not None and field.kind == "secret":
        # What was typed must not stand in a page or a log.
        return message.format(**facts) if message else "this is not possible"
    if message is None:
        return f"{shown(value)}: {error['msg'][:1].lower()}{error['msg'][1:]}"
    return f"{shown(value)} is not possible: {message.format(**facts)}"


def shown(value: object) -> str:
    """A value as a message names it: shortened if it is long."""
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        return f"{Decimal(value):.3e}"
    text = repr(as_text(value) if isinstance(value, timedelta) else value)
    return text if len(text) <= 60 else text[:57] + "…"


def _wrong_number(field: FormField, facts: Mapping[str, Any]) -> str:
    things = "files" if field.kind == "file" else "values"
    if "max_length" in facts:
        return f"{facts['actual_length']} {things} are too many; at most {facts['max_length']} are possible"
    return f"at least {facts['min_length']} {things} are needed"


def _readable(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: as_text(value) if isinstance(value, (datetime, timedelta)) else value
        for name, value in facts.items()
    }

"""Any value in JSON's own types. What JSON cannot say is kept as its `repr`, and noted."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

MAX_REPR = 10_000
# Beyond it a browser would round the number; its digits are kept as text.
LARGEST_NUMBER = 2**53


def jsonable(value: object, odd: list[str]) -> Any:
    """The value in JSON's own types. Adds the names of the types it had to write as text to `odd`."""
    try:
        return _jsonable(value, odd, ())
    except RecursionError:
        odd.append("a value nested too deeply")
        return safe_repr(value)


def warning_about(odd: list[str]) -> str:
    """What a reader is told of the odd values, "" if there are none."""
    return f"Kept as text, since JSON cannot say it: {', '.join(sorted(set(odd))[:5])}." if odd else ""


def safe_repr(value: object) -> str:
    """`repr(value)`, at most 10,000 characters, even where the type's own `__repr__` fails."""
    try:
        shown = repr(value)
    except Exception as error:
        return f"<{type(value).__name__}, whose repr fails with {type(error).__name__}>"
    return shown if len(shown) <= MAX_REPR else shown[:MAX_REPR] + "…"


def attribute(value: object, name: str) -> Any:
    """An attribute, None where there is none or looking at it fails."""
    try:
        return getattr(value, name, None)
    except Exception:  # an author's own object may fail in any way
        return None


def _jsonable(value: Any, odd: list[str], above: tuple[int, ...]) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if abs(value) <= LARGEST_NUMBER else _digits(value, odd)
    if isinstance(value, float):
        return value if math.isfinite(value) else _no_number(value, odd)
    if isinstance(value, (Decimal, UUID, timedelta, PurePath)):
        return str(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Enum):
        return _jsonable(value.value, odd, above)
    return _jsonable_container(value, odd, above)


def _jsonable_container(value: Any, odd: list[str], above: tuple[int, ...]) -> Any:
    if id(value) in above:
        odd.append("a value that contains itself")
        return "…"
    try:
        return _jsonable_items(value, odd, (*above, id(value)))
    except RecursionError:
        raise
    except Exception:  # an author's own container may fail in any way
        return _odd(value, odd)


def _jsonable_items(value: Any, odd: list[str], above: tuple[int, ...]) -> Any:
    value = _opened(value)
    if isinstance(value, Mapping):
        found: dict[str, Any] = {}
        for key, item in value.items():
            found[_key(key, value)] = _jsonable(item, odd, above)
        return found
    if isinstance(value, (list, tuple)):
        return [_jsonable(item, odd, above) for item in value]
    if isinstance(value, (set, frozenset)):
        return [_jsonable(item, odd, above) for item in sorted(value, key=safe_repr)]
    if attribute(value, "dtype") is not None:
        return _jsonable_array(value, odd, above)
    return _odd(value, odd)


def _opened(value: Any) -> Any:
    """The fields of a dataclass or a pydantic model as a dict; any other value as it is."""
    if isinstance(value, type):
        return value
    if is_dataclass(value):
        # Not by asdict, which copies every item and fails where one cannot be copied, such as a lock.
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if attribute(type(value), "model_fields") and callable(attribute(value, "model_dump")):
        return value.model_dump()
    return value


def _jsonable_array(value: Any, odd: list[str], above: tuple[int, ...]) -> Any:
    """What numpy and its kin hold: a scalar, or an array as nested lists."""
    if attribute(value.dtype, "kind") in ("M", "m"):
        # Their tolist() would be a count of nanoseconds.
        value = value.astype(str)
    told = value.tolist()
    return _odd(value, odd) if type(told) is type(value) else _jsonable(told, odd, above)


def _key(key: object, mapping: Mapping[Any, Any]) -> str:
    """The key as text; where a text key of that name is there too, with its type."""
    if isinstance(key, str):
        return key
    shown = safe_repr(key)
    return f"{shown} ({type(key).__name__})" if shown in mapping else shown


def _no_number(value: float, odd: list[str]) -> str:
    odd.append("NaN" if math.isnan(value) else "infinity")
    return safe_repr(value)


def _digits(value: int, odd: list[str]) -> str:
    try:
        return str(value)
    except ValueError:  # longer than Python's limit for decimal digits; hexadecimal has none
        odd.append("an int of more than 4300 digits")
        return hex(value)


def _odd(value: object, odd: list[str]) -> str:
    odd.append(type(value).__name__)
    return safe_repr(value)

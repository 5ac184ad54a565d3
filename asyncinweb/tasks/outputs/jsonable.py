"""Any value in JSON's own types. Anything else is kept as its `str`, or as its `repr` with a note."""

import math
import numbers
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from asyncinweb.server_paths import without_server_paths
from asyncinweb.tasks.inputs.uploaded import UploadedFile

MAX_REPR = 10_000
# Beyond this, a browser would round the number, so its digits are kept as text.
LARGEST_NUMBER = 2**53
# Their `str` is Python code or says less than their `repr`; a range can be too long for any memory.
WITHOUT_WORDS = (bytes, bytearray, memoryview, range, BaseException, Mapping)


def jsonable(value: object, odd: list[str]) -> Any:
    """The value in JSON's own types. Adds to `odd` the names of types that were kept as `repr`."""
    try:
        return _jsonable(value, odd, ())
    except RecursionError:
        odd.append("a value nested too deeply")
        return safe_repr(value)


def warning_about(odd: list[str]) -> str:
    """What the page says about the odd values, "" if there are none."""
    return f"Kept as text because JSON can't represent it: {', '.join(sorted(set(odd))[:5])}." if odd else ""


def safe_repr(value: object) -> str:
    """`repr(value)` without paths on this server, at most 10,000 characters. Never fails."""
    return without_server_paths(_safely(repr, value))


def attribute(value: object, name: str) -> Any:
    """An attribute; None if it does not exist or reading it fails."""
    try:
        return getattr(value, name, None)
    except Exception:  # an author's own object can fail in any way
        return None


def fields_of(value: Any) -> dict[str, Any] | None:
    """The members by name of a dataclass, a named tuple, a model of pydantic or attrs, or a database's row.

    None for anything else.
    """
    if isinstance(value, type):
        return None
    if is_dataclass(value):
        # Not with asdict, which copies every item and fails if one cannot be copied, such as a lock.
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if attribute(type(value), "model_fields") and callable(attribute(value, "model_dump")):
        return dict(value.model_dump())
    if attrs := attribute(type(value), "__attrs_attrs__"):
        return {member.name: getattr(value, member.name) for member in attrs}
    return _row(value)


def text_key(key: object, mapping: Mapping[Any, Any]) -> str:
    """A dict's key as text; with its type if there is also a text key of that name."""
    if isinstance(key, str):
        return key
    shown = jsonable(key, [])
    shown = shown if isinstance(shown, str) else safe_repr(key)
    return f"{shown} ({type(key).__name__})" if shown in mapping else shown


def shown_path(path: os.PathLike[Any]) -> str:
    """A path without anything about this server: a relative one as it is, of any other its last part."""
    pure = PurePath(os.fsdecode(path))
    return pure.name if pure.is_absolute() else str(pure)


def _row(value: Any) -> dict[str, Any] | None:
    """A named tuple, or what a database's driver returns of a row."""
    as_dict = attribute(value, "_asdict")
    if isinstance(value, tuple) and callable(as_dict):
        return dict(as_dict())
    mapping = attribute(value, "_mapping")
    if isinstance(mapping, Mapping):
        return {str(name): item for name, item in mapping.items()}
    if type(value).__module__ == "sqlite3" and callable(attribute(value, "keys")):
        return {name: value[name] for name in value.keys()}  # noqa: SIM118 - iterating over a row gives its values
    return None


def _jsonable(value: Any, odd: list[str], above: tuple[int, ...]) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if abs(value) <= LARGEST_NUMBER else _digits(value, odd)
    if isinstance(value, float):
        return value if math.isfinite(value) else _not_a_number(value, odd)
    return (_jsonable_container if type(value) in (dict, list, tuple) else _jsonable_object)(value, odd, above)


def _jsonable_object(value: Any, odd: list[str], above: tuple[int, ...]) -> Any:
    if isinstance(value, (Decimal, UUID, timedelta)):
        return str(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Enum):
        return _jsonable(value.value, odd, above)
    if isinstance(value, os.PathLike):
        return value.facts if isinstance(value, UploadedFile) else shown_path(value)
    return _jsonable_container(value, odd, above)


def _jsonable_container(value: Any, odd: list[str], above: tuple[int, ...]) -> Any:
    if id(value) in above:
        odd.append("a value that contains itself")
        return "…"
    try:
        return _jsonable_items(value, odd, (*above, id(value)))
    except RecursionError:
        raise
    except Exception:  # an author's own container can fail in any way
        return _odd(value, odd)


def _jsonable_items(value: Any, odd: list[str], above: tuple[int, ...]) -> Any:
    members = None if type(value) in (dict, list, tuple) else fields_of(value)
    value = value if members is None else members
    if isinstance(value, Mapping):
        return {text_key(key, value): _jsonable(item, odd, above) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return [_jsonable(item, odd, above) for item in sorted(value, key=safe_repr)]
    if isinstance(value, Sequence) and not isinstance(value, WITHOUT_WORDS):
        return [_jsonable(item, odd, above) for item in value]
    if attribute(value, "dtype") is not None:
        return _jsonable_array(value, odd, above)
    return _words(value, odd, above)


def _jsonable_array(value: Any, odd: list[str], above: tuple[int, ...]) -> Any:
    """Values of numpy and similar libraries: a scalar, or an array as nested lists."""
    if attribute(value.dtype, "kind") in ("M", "m"):
        # Their tolist() would be a count of nanoseconds.
        value = value.astype(str)
    listed = value.tolist()
    return _odd(value, odd) if type(listed) is type(value) else _jsonable(listed, odd, above)


def _words(value: Any, odd: list[str], above: tuple[int, ...]) -> Any:
    """A library's own number, or the text that a type has for people: a period, a geometry, a formula."""
    if isinstance(value, numbers.Integral):
        return _jsonable(int(value), odd, above)
    if isinstance(value, WITHOUT_WORDS) or attribute(type(value), "__str__") is object.__str__:
        return _odd(value, odd)
    return _safely(str, value)


def _safely(words: Any, value: object) -> str:
    try:
        shown = str(words(value))
    except Exception as error:
        return f"<{type(value).__name__}, whose {words.__name__} fails with {type(error).__name__}>"
    return shown if len(shown) <= MAX_REPR else shown[:MAX_REPR] + "…"


def _not_a_number(value: float, odd: list[str]) -> str:
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

"""Turning any value from an author's code into text and numbers that every store, page and program accepts."""

import json
import math

from asyncinweb.errors import JobInterruption


def clean_text(value: object, most_characters: int) -> str:
    """The value as text, cut if it is long. Characters that UTF-8 or a database cannot store are escaped: half
    characters (which `os.fsdecode` makes from strange file names) and NUL."""
    text = _text_of(value)[:most_characters]
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")[:most_characters]


def _text_of(value: object) -> str:
    # An author's own string type may have methods that fail; those of `str` do not.
    if isinstance(value, str):
        return str.__str__(value)
    try:
        return str.__str__(str(value))
    except JobInterruption:
        raise
    except BaseException:  # an author's own class may raise anything, even SystemExit
        return "(its text can't be shown)"


def finite(value: object) -> float | None:
    """The value as a number; None for anything else, for infinity, NaN, and numbers too large for a float."""
    try:
        number = float(value)  # type: ignore[arg-type]  # an author may pass anything
    except Exception:
        return None
    return number if math.isfinite(number) else None


def json_text(value: object, *, ensure_ascii: bool = True, indent: int | None = None) -> str:
    """JSON that every program can read: infinity and NaN, which JSON can't say, are null."""
    try:
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, allow_nan=False)
    except ValueError:
        return json.dumps(_without_odd_numbers(value), ensure_ascii=ensure_ascii, indent=indent, allow_nan=False)


def _without_odd_numbers(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_odd_numbers(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_odd_numbers(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

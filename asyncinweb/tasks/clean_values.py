"""Whatever an author's code hands over, as text and numbers that every store, page and program can take."""

import json
import math

from asyncinweb.errors import JobInterruption


def clean_text(value: object, most_characters: int) -> str:
    """The value as text, cut where it is long. What UTF-8 or a database has no bytes for is escaped: half of a
    character (as `os.fsdecode` makes it of a strange file name) and NUL."""
    text = _text_of(value)[:most_characters]
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")[:most_characters]


def _text_of(value: object) -> str:
    # A text of an author's own type may have methods that fail; those of `str` do not.
    if isinstance(value, str):
        return str.__str__(value)
    try:
        return str.__str__(str(value))
    except JobInterruption:
        raise
    except BaseException:  # an author's own class may end in any way, even by leaving the program
        return "(its text cannot be shown)"


def finite(value: object) -> float | None:
    """The value as a number; None for what is none, for infinity, NaN, and what a float has no room for."""
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

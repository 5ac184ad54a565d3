"""Dates and times as texts: what a control can show, and which texts must not be read as one."""

import re
from datetime import datetime, time

from asyncinweb.tasks.inputs.unclear import Unclear

EXAMPLES = {"date": "a date such as 2026-11-23", "time": "a time such as 18:30", "datetime": "2026-11-23T18:30"}
_NUMBER = re.compile(r"[+-]?[0-9]*\.?[0-9]+")
# The values that HTML allows in a control.
_DATE, _TIME = "[0-9]{4}-[0-9]{2}-[0-9]{2}", "[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,3})?)?"
_SHOWN = {"date": re.compile(_DATE), "time": re.compile(_TIME), "datetime": re.compile(f"{_DATE}T{_TIME}")}
_TOO_EXACT = re.compile(r"\.[0-9]{6}[0-9]*[1-9]")


def read_moment(kind: str, text: str) -> str | Unclear:
    """The text, for validation. Unclear for a text that pydantic would read as a different moment."""
    plain = text.strip()
    if _NUMBER.fullmatch(plain):
        # Pydantic would read it as seconds since 1970, or since midnight.
        return Unclear(text, f"{plain!r} is only a number. Write {EXAMPLES[kind]}")
    if _TOO_EXACT.search(plain):
        return Unclear(text, f"{plain!r} is more precise than a microsecond. Use at most six decimals")
    return text


def show_moment(value: datetime | time) -> str:
    """In the form that HTML's controls need, with no more decimals than necessary: browsers know at most
    milliseconds."""
    if value.microsecond % 1000:
        return value.isoformat(timespec="microseconds")
    if value.microsecond:
        return value.isoformat(timespec="milliseconds")
    return value.isoformat(timespec="seconds" if value.second else "minutes")


def fits_control(kind: str, text: str) -> bool:
    """True if the browser's own control can show this text: it has no time zone, and at most milliseconds."""
    if not text:
        return True
    if not _SHOWN[kind].fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text if kind != "time" else f"2000-01-01T{text}")
    except ValueError:
        return False
    return True

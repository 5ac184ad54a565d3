"""Dates and times as texts: what a control can show, and what must not be taken for one."""

import re
from datetime import datetime, time

from asyncinweb.tasks.inputs.unclear import Unclear

EXAMPLES = {"date": "a date such as 2026-11-23", "time": "a time such as 18:30", "datetime": "2026-11-23T18:30"}
_NUMBER = re.compile(r"[+-]?[0-9]*\.?[0-9]+")
# What HTML allows as the value of a control.
_DATE, _TIME = "[0-9]{4}-[0-9]{2}-[0-9]{2}", "[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,3})?)?"
_SHOWN = {"date": re.compile(_DATE), "time": re.compile(_TIME), "datetime": re.compile(f"{_DATE}T{_TIME}")}
_TOO_EXACT = re.compile(r"\.[0-9]{6}[0-9]*[1-9]")


def read_moment(kind: str, text: str) -> str | Unclear:
    """The text, for validation. Unclear for one that pydantic would turn into another moment."""
    plain = text.strip()
    if _NUMBER.fullmatch(plain):
        # Pydantic counts it as seconds since 1970, or since midnight.
        return Unclear(text, f"{plain!r} is only a number. Write {EXAMPLES[kind]}")
    if _TOO_EXACT.search(plain):
        return Unclear(text, f"{plain!r} is more exact than a microsecond. Write at most six decimals")
    return text


def show_moment(value: datetime | time) -> str:
    """As HTML's controls want it, with no more decimals than needed: browsers know milliseconds at most."""
    if value.microsecond % 1000:
        return value.isoformat(timespec="microseconds")
    if value.microsecond:
        return value.isoformat(timespec="milliseconds")
    return value.isoformat(timespec="seconds" if value.second else "minutes")


def fits_control(kind: str, text: str) -> bool:
    """True if the browser's own control shows this text: it knows no zone, and milliseconds at most."""
    if not text:
        return True
    if not _SHOWN[kind].fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text if kind != "time" else f"2000-01-01T{text}")
    except ValueError:
        return False
    return True

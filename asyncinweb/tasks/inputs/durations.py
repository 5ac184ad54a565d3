"""A duration as people write it: `1 h 30 min`, `45 s`, `1:30:00`, `2 days`."""

import re
from datetime import timedelta
from decimal import Decimal

_UNITS = {
    "days": ("d", "day", "days"),
    "hours": ("h", "hour", "hours"),
    "minutes": ("m", "min", "minute", "minutes"),
    "seconds": ("s", "sec", "second", "seconds"),
}
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words}
_SECONDS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
_PART = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*([a-z]+)[\s,]*")
_CLOCK = re.compile(r"(\d{1,9}):([0-5]?\d)(?::([0-5]?\d(?:\.\d{1,6})?))?")
_SHORT = {"days": "days", "hours": "h", "minutes": "min", "seconds": "s"}


def read_duration(text: str) -> timedelta | str:
    """The duration; the text itself if it is not one. A bare number means seconds."""
    # A comma before three digits may separate thousands.
    words = re.sub(r"(?<=\d),(?=\d)(?!\d{3}(?!\d))", ".", text.strip().lower().replace("−", "-"))
    is_negative, words = words.startswith("-"), words.removeprefix("-").strip()
    seconds = _clock(words) if ":" in words else _sum(f"{words} s" if _is_number(words) else words)
    if seconds is None:
        return text
    try:
        return timedelta(microseconds=int(seconds * 1_000_000) * (-1 if is_negative else 1))
    except OverflowError:
        return text


def show_duration(duration: timedelta) -> str:
    """In the largest units that fit, exact to the microsecond: `1 h 30 min`."""
    sign, rest = ("-", -duration) if duration < timedelta(0) else ("", duration)
    micros = (rest.days * 86_400 + rest.seconds) * 1_000_000 + rest.microseconds
    parts = []
    for unit in ("days", "hours", "minutes"):
        amount, micros = divmod(micros, _SECONDS[unit] * 1_000_000)
        if amount:
            parts.append(f"{amount} {'day' if unit == 'days' and amount == 1 else _SHORT[unit]}")
    if micros or not parts:
        parts.append(f"{Decimal(micros) / 1_000_000:f} s")
    return sign + " ".join(parts)


def _clock(words: str) -> Decimal | None:
    match = _CLOCK.fullmatch(words)
    if match is None:
        return None
    hours, minutes, seconds = match.groups()
    return Decimal(hours) * 3600 + Decimal(minutes) * 60 + Decimal(seconds or 0)


def _sum(words: str) -> Decimal | None:
    total, at = Decimal(0), 0
    while match := _PART.match(words, at):
        unit = _UNIT_OF.get(match[2])
        if unit is None:
            return None
        total += Decimal(match[1]) * _SECONDS[unit]
        at = match.end()
    return total if at and at == len(words) else None


def _is_number(words: str) -> bool:
    return re.fullmatch(r"\d{1,12}(?:\.\d{1,6})?", words) is not None

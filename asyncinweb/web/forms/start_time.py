"""Starting a job later: a time from a form's control, which has no time zone, read in the server's zone."""

from datetime import datetime, timedelta

from asyncinweb import clock

# No parameter can have this name.
START_FIELD = "form-at"
FURTHEST = timedelta(days=366)
# A visitor may choose the current minute, and then fill in the rest of the form before sending it.
STILL_NOW = timedelta(minutes=5)


class InvalidStart(ValueError):
    """The text is not a time at which a job could start. Says why, in words that follow the field's name."""


def read_start(text: str) -> datetime | None:
    """The moment of `2026-11-23T18:30` in the server's zone; None for an empty text and the last few minutes.

    Raises InvalidStart.
    """
    if not text.strip():
        return None
    try:
        start = datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError, OSError):
        raise InvalidStart(f"must be a date and time, such as 2026-11-23T18:30, not {text[:40]!r}") from None
    now = clock.now().astimezone()
    if start < earliest_start(now):
        raise InvalidStart(f"is in the past. It's now {now:%H:%M} on {now.day} {now:%b %Y} ({zone_of(now)})")
    if start > now + FURTHEST:
        raise InvalidStart("must be within a year from now")
    return start if start > now else None


def earliest_start(now: datetime) -> datetime:
    """The first minute that counts as now."""
    return now.replace(second=0, microsecond=0) - STILL_NOW


def zone_of(moment: datetime) -> str:
    """`CET, UTC+01:00`; only the offset if the zone has no name."""
    offset, name = f"UTC{moment:%z}", moment.tzname() or ""
    offset = f"{offset[:6]}:{offset[6:8]}"
    return offset if not name or name[0] in "+-" else f"{name}, {offset}" if name != "UTC" else "UTC"

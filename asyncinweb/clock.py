"""The only clock of the package.

Stored times are aware datetimes in UTC from `now()`; durations and time limits come from
`monotonic()`, which cannot be set back.
"""

import time
from datetime import UTC, datetime

# Stored times lie between these; every calendar, page and time zone can show them.
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)
# What is read where a stored time can't be: compare it with `is`.
UNREADABLE = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = (EARLIEST.timestamp(), LATEST.timestamp())


def now() -> datetime:
    """The present, aware, in UTC."""
    return datetime.now(UTC)


def from_stored(seconds: object) -> datetime:
    """The time that is stored as seconds since 1970; UNREADABLE for anything that isn't one."""
    if isinstance(seconds, (float, int)) and _SECONDS[0] <= seconds < _SECONDS[1]:
        return datetime.fromtimestamp(seconds, UTC)
    return UNREADABLE


def monotonic() -> float:
    """Seconds since an arbitrary start; the same for all processes of this boot on Linux."""
    return time.monotonic()

"""The only clock of the package.

Stored times are aware datetimes in UTC from `now()`; durations and time limits come from
`monotonic()`, which cannot be set back.
"""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The present, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds since an arbitrary start; the same for all processes of this boot on Linux."""
    return time.monotonic()

"""Estimates in words: rounded, never more exact than what we know."""

import math

from asyncinweb.queue.estimates import Range
from asyncinweb.web.filters import duration

# Up to this many seconds, times are shown in steps of that many.
STEPS = ((10, 1), (60, 5), (120, 15), (300, 30), (1800, 60), (7200, 300), (86_400, 1800))
LONGEST_STEP = 3600
A_FEW_SECONDS = 5
# A range whose end is at most this many times its beginning is shown as one figure.
ABOUT = 2.0
# A range that begins much earlier than it ends is shown only by its end.
AT_MOST = 6.0


def time_left(left: Range) -> str:
    """`about 20 s`, `10 to 30 s`, `less than 2 min`, `a few seconds`."""
    if left.high < A_FEW_SECONDS:
        return "a few seconds"
    if left.low * ABOUT >= left.high:
        return f"about {duration(_rounded(left.middle))}"
    low, high = _rounded_down(left.low), rounded_up(left.high)
    if low * AT_MOST < high:
        return f"less than {duration(high)}"
    return f"{_without_unit(duration(low), duration(high))} to {duration(high)}"


def rounded_up(seconds: float) -> int:
    """Round to a figure that is easy to read and rarely changes."""
    return max(1, math.ceil(seconds / _step(seconds)) * _step(seconds))


def _rounded(seconds: float) -> int:
    return max(1, round(seconds / _step(seconds)) * _step(seconds))


def _rounded_down(seconds: float) -> int:
    return math.floor(seconds / _step(seconds)) * _step(seconds)


def _step(seconds: float) -> int:
    return next((step for limit, step in STEPS if seconds <= limit), LONGEST_STEP)


def _without_unit(low: str, high: str) -> str:
    """Only the figure if both have the same unit."""
    figure, _, unit = low.partition(" ")
    return figure if high.partition(" ")[2] == unit else low

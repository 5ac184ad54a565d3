"""Waiting for a condition, for tests of every level."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
# Limits are there to end what hangs, not to measure (benchmarks do that): a machine that has much else to do may
# take so many times as long.
BUSY = 4


def wait_until(condition: Callable[[], T], seconds: float = 30.0, what: str = "") -> T:
    """The first true answer of `condition`; fails after `seconds`, or BUSY times that on a busy machine."""
    end = time.monotonic() + seconds * BUSY
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"not within {seconds * BUSY:g} s: {what or condition}"
        time.sleep(0.02)

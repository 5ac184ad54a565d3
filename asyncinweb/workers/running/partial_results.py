"""The values that a running generator yields: the newest is prepared for the page, at most twice a second.

The function's thread notes each value, the reporter's thread asks for the newest; neither waits for the other.
"""

import logging
import time
from dataclasses import dataclass

from asyncinweb import clock
from asyncinweb.errors import JobInterruption
from asyncinweb.one_process import OneProcess
from asyncinweb.tasks.outputs.return_value import ReturnValue
from asyncinweb.workers.running.snapshots import Collected, Copy, Encoder, Original, Snapshot, copy_of, snapshot_of

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
# Values that take longer to copy (about 50 MB) or to draw have a budget: a second, and a quarter of the run's
# time. Once it is spent, values are only referenced. In this thread's own processor time, so a busy machine makes
# no difference.
MOST_COPYING_SECONDS = 0.05
MOST_DRAWING_SECONDS = 0.01
BUDGET_SECONDS, BUDGET_SHARE = 1.0, 0.25
# Soon afterwards the process is killed.
MOST_SECONDS_AFTER_A_STOP = 0.2


@dataclass(eq=False)
class Yielded:
    """A yielded value, the `number`th, from 1. `return_value`: set once the value is encoded and not too large."""

    number: int
    snapshot: Snapshot
    is_encoded: bool = False
    return_value: ReturnValue | None = None


class PartialResults:
    """The values of one run. collects: all of them are its result, not only the last one."""

    def __init__(self, slug: str, encoder: Encoder, *, collects: bool = False) -> None:
        self._slug = slug
        self._encoder = encoder
        self._collects = collects
        self._items: list[Snapshot] = []
        self._latest: Yielded | None = None
        self._ready: Yielded | None = None
        # The number of the value that is in the database.
        self.written = 0
        self._started = clock.monotonic()
        self._spent = self._next_encoding = self._encoding_seconds = 0.0
        self._has_warned = False

    def note(self, value: object) -> None:
        """Keep a value as it is now. This never makes the function fail. None is only a point to stop at.

        A stop can interrupt this at any point; then the value does not count.
        """
        if value is None and not self._collects:
            return
        snapshot = self._snapshot_of(value)
        if self._collects:
            is_settled = snapshot.is_settled and (self._latest is None or self._latest.snapshot.is_settled)
            self._items.append(snapshot)
            snapshot = Collected(self._items, len(self._items), is_settled)
        self._latest = Yielded(self._latest.number + 1 if self._latest else 1, snapshot)
        if clock.monotonic() >= self._next_encoding:
            self._encode(self._latest)

    def newest(self) -> Yielded | None:
        """The newest value, if it has not been written and a write is due. For the reporter's thread."""
        latest = self._latest
        if latest is not None and not latest.is_encoded and clock.monotonic() >= self._next_encoding:
            with OneProcess():
                self._encode_late(latest)
        return self.unwritten()

    def finish(self, *, is_stopped: bool) -> None:
        """The function has ended: prepare the newest value. A job that was stopped must be settled soon, so it
        keeps the value before if this one takes long to encode."""
        is_quick = self._encoding_seconds < MOST_SECONDS_AFTER_A_STOP or not is_stopped
        if self._latest is not None and not self._latest.is_encoded and is_quick:
            with OneProcess():
                self._encode(self._latest)

    def result(self) -> Snapshot:
        """What the function has returned by yielding it."""
        if self._latest is None:
            return Original([] if self._collects else None)
        return self._latest.snapshot

    def unwritten(self) -> Yielded | None:
        """The newest value that is prepared, if it has not been written. Runs no code of the author's."""
        ready = self._ready
        return ready if ready is not None and ready.number > self.written else None

    def _snapshot_of(self, value: object) -> Snapshot:
        if self._is_over_budget():
            return Original(value, is_settled=False)
        begin = time.thread_time()
        try:
            snapshot = snapshot_of(value, self._encoder)
        except JobInterruption:
            raise
        except BaseException:  # the author's own object may fail in any way
            snapshot = Original(value, is_settled=False)
        seconds = time.thread_time() - begin
        if seconds > (MOST_COPYING_SECONDS if isinstance(snapshot, Copy) else MOST_DRAWING_SECONDS):
            self._spent += seconds
        return snapshot

    def _is_over_budget(self) -> bool:
        now = clock.monotonic()
        budget = BUDGET_SECONDS + BUDGET_SHARE * (now - self._started)
        return self._spent > budget and now < self._next_encoding

    def _encode_late(self, yielded: Yielded) -> None:
        """While the function runs, values that it can still change are first copied, in one step."""
        if not yielded.snapshot.is_settled:
            copy = copy_of(yielded.snapshot.value())
            if copy is None:
                return
            yielded.snapshot = copy
        self._encode(yielded)

    def _encode(self, yielded: Yielded) -> None:
        begin = clock.monotonic()
        try:
            yielded.return_value = self._within_limit(yielded.snapshot.return_value(self._encoder))
        except JobInterruption:
            raise
        except BaseException as error:  # the author's own object may fail in any way
            self._warn(f"it cannot be encoded ({type(error).__name__})")
        yielded.is_encoded = True
        if yielded.return_value is not None:
            self._ready = yielded
        end = clock.monotonic()
        self._encoding_seconds = end - begin
        self._next_encoding = end + max(PAUSE_SECONDS, self._encoding_seconds)

    def _within_limit(self, value: ReturnValue) -> ReturnValue | None:
        most_bytes = self._encoder.most_bytes
        if value.size <= most_bytes:
            return value
        self._warn(f"it is {value.size / 1e6:.1f} MB, and the limit is {most_bytes / 1e6:g} MB")
        return None

    def _warn(self, reason: str) -> None:
        if not self._has_warned:
            log.warning("A partial result of %s is not shown: %s", self._slug, reason)
            self._has_warned = True

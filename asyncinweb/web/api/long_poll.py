"""Waiting for a job's end within a request, for a few requests at a time.

A waiting request holds one of the server's eight threads. So at most MOST_WAITING requests wait. Others are
answered at once and asked to come back, so pages stay fast.
"""

import threading

from asyncinweb import clock
from asyncinweb.queue.polling import has_ended
from asyncinweb.web.installation import installation

MOST_WAITING = 3
LOOK_SECONDS = 0.1

_places = threading.BoundedSemaphore(MOST_WAITING)
# Set when the server stops, so that waiting requests do not hold it up.
closing = threading.Event()


def wait_for_end(slug: str, seconds: float) -> bool:
    """Wait until this job has ended, at most this long. False if too many already wait. Holds no read transaction
    while it waits, because that would keep the write-ahead log from shrinking."""
    if not _places.acquire(blocking=False):
        return False
    try:
        end = clock.monotonic() + seconds
        while not _has_ended(slug) and clock.monotonic() < end:
            if closing.wait(min(LOOK_SECONDS, max(0.0, end - clock.monotonic()))):
                break
    finally:
        _places.release()
    return True


def _has_ended(slug: str) -> bool:
    with installation().database.glance() as connection:
        return has_ended(connection, slug)

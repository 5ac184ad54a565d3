"""Answers that are generated while they are sent, only a few large ones at a time.

An answer larger than the web server's buffer (16 MB) is generated only as fast as its reader takes it, and
occupies one of the server's eight threads for that time. So that a few slow readers cannot take all threads, at
most MOST_AT_ONCE get such an answer, and others are asked to come back. Existing files need no thread and no
limit.
"""

import threading
from collections.abc import Iterable

from flask import Response, abort

LARGE_BYTES = 15_000_000
# With as many programs waiting for a job's end, this leaves two threads for everyone else.
MOST_AT_ONCE = 3
RETRY_SECONDS = 30

_places = threading.BoundedSemaphore(MOST_AT_ONCE)


def streamed(pieces: Iterable[str] | Iterable[bytes], media_type: str, size: int) -> Response:
    """An answer made of these pieces. size: their largest total size in bytes. Answers 503 if too many such
    answers are being sent."""
    is_large = size > LARGE_BYTES
    if is_large and not _places.acquire(blocking=False):
        abort(
            503,
            "Too many large downloads are in progress right now. Try again in a minute.",
            retry_after=RETRY_SECONDS,
        )
    response = Response(pieces, mimetype=media_type)
    if is_large:
        response.call_on_close(_places.release)
    return response

"""Answers that are made while they are sent, large ones only a few at a time.

What does not fit into the web server's buffer (16 MB) is made no faster than its reader takes it, and holds one of
the server's eight threads so long. So that a few slow readers cannot take them all, at most MOST_AT_ONCE get such
an answer, and others are told to come back. What is there as a file needs no thread and no limit.
"""

import threading
from collections.abc import Iterable

from flask import Response, abort

LARGE_BYTES = 15_000_000
# Beside as many programs that wait for a job's end, that leaves two threads for everybody else.
MOST_AT_ONCE = 3
RETRY_SECONDS = 30

_places = threading.BoundedSemaphore(MOST_AT_ONCE)


def streamed(pieces: Iterable[str] | Iterable[bytes], media_type: str, size: int) -> Response:
    """An answer of these pieces. size: how many bytes they may be in all. Answers 503 if too many are fetched."""
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

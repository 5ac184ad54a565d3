"""Sending a part of a file like a whole file.

The web server sends a file without occupying a thread, however slow the reader. For a part of a file (`Range`),
Werkzeug would send it piece by piece, and a thread would wait for the reader.
"""

import io
import os
from pathlib import Path

from flask import Response, request
from werkzeug.wsgi import wrap_file


class ByteRange(io.RawIOBase):
    """The bytes of a file from `start`, `length` of them."""

    def __init__(self, path: Path, start: int, length: int) -> None:
        self._file = path.open("rb")
        self._start, self._length, self._place = start, length, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._length}[whence]
        self._place = origin + offset
        return self._place

    def read(self, size: int = -1, /) -> bytes:
        left = max(0, self._length - self._place)
        self._file.seek(self._start + self._place)
        data = self._file.read(left if size < 0 else min(size, left))
        self._place += len(data)
        return data

    def close(self) -> None:
        self._file.close()
        super().close()


def send_as_file(response: Response, path: Path) -> None:
    """Send an answer with a part of this file like a file."""
    found = response.content_range
    response.close()
    part = ByteRange(path, found.start or 0, response.content_length or 0)
    # Read piece by piece if the server has no way to send files.
    response.response = wrap_file(request.environ, part)  # type: ignore[arg-type]

"""The log of one attempt: appended at once, so that a crash loses nothing, and never larger than its limit.

A log is a series of segment files named by the offset of their first byte. The first SEGMENTS/2 always stay; of
the later ones only the last SEGMENTS/2 do, so a flood loses its middle. A gap between two segments has been
dropped. We use files, not rows, because each row would wait for SQLite's only write lock.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from asyncinweb.queue.files.job_folder import JobFolder

SEGMENTS = 8


@dataclass(frozen=True)
class LogPiece:
    """Part of a log: its bytes, the offset in bytes to continue from, and how many bytes before it were
    dropped."""

    data: bytes
    next_offset: int
    dropped: int

    @property
    def text(self) -> str:
        """Bytes that are not UTF-8 become the replacement character."""
        return self.data.decode("utf-8", "replace")


def unchanged(data: bytes) -> bytes:
    """Bytes that a visitor reads as they were written."""
    return data


class LogWriter:
    """Writes one attempt's log. Safe to use from several threads."""

    def __init__(
        self, folder: JobFolder, claim_no: int, max_bytes: int, as_shown: Callable[[bytes], bytes] = unchanged
    ) -> None:
        """as_shown: what a visitor reads instead of these bytes, which are mostly whole lines."""
        self._folder = folder
        self._as_shown = as_shown
        self._claim_no = claim_no
        self._segment_bytes = max(1, max_bytes // SEGMENTS)
        self._offset = 0
        self._descriptor: int | None = None
        self._tail: list[Path] = []
        # Taken again by a signal handler of the author's that prints.
        self._lock = threading.RLock()

    def write(self, data: bytes) -> None:
        """Append bytes. The caller handles an OSError, such as a full disk."""
        data = self._as_shown(data)
        with self._lock:
            while data:
                room = self._segment_bytes - self._offset % self._segment_bytes
                self._append(data[:room])
                data = data[room:]

    def close(self) -> None:
        """End the log."""
        with self._lock:
            self._close_segment()

    def _append(self, data: bytes) -> None:
        if self._descriptor is None or self._offset % self._segment_bytes == 0:
            self._next_segment()
        assert self._descriptor is not None
        os.write(self._descriptor, data)
        self._offset += len(data)

    def _next_segment(self) -> None:
        self._close_segment()
        path = self._folder.make() / f"log-{self._claim_no}-{self._offset:012d}.txt"
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if self._offset >= self._segment_bytes * SEGMENTS // 2:
            self._tail.append(path)
        if len(self._tail) > SEGMENTS // 2:
            self._tail.pop(0).unlink(missing_ok=True)

    def _close_segment(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def log_size(folder: JobFolder, claim_no: int) -> int:
    """How many bytes the attempt has written, kept or not."""
    parts = kept_parts(folder, claim_no)
    return parts[-1].stop if parts else 0


def kept_bytes(folder: JobFolder, claim_no: int) -> int:
    """How many bytes of the log are there to be read."""
    return sum(len(part) for part in kept_parts(folder, claim_no))


def log_written_at(folder: JobFolder, claim_no: int) -> datetime | None:
    """When the attempt last wrote something; None if it has written nothing."""
    times = [path.stat().st_mtime for _, path in _segments(folder, claim_no)[-1:]]
    return datetime.fromtimestamp(times[0], UTC) if times else None


def read_log(folder: JobFolder, claim_no: int, after: int, limit: int) -> LogPiece:
    """The log from byte `after` on, at most `limit` bytes, cut at the end of a line if possible.

    A missing log reads as empty.
    """
    position, dropped, pieces = after, 0, b""
    for start, data in _contents(folder, claim_no, after, limit):
        if len(pieces) >= limit:
            break
        if start > position and not pieces:
            dropped, position = start - position, start
        elif start > position:
            break
        part = data[: limit - len(pieces)]
        pieces += part
        position = start + len(part)
    if len(pieces) == limit:
        complete = pieces[: pieces.rfind(b"\n") + 1] or whole_characters(pieces) or pieces
        position -= len(pieces) - len(complete)
        pieces = complete
    return LogPiece(pieces, position, dropped)


def kept_parts(folder: JobFolder, claim_no: int) -> list[range]:
    """Which bytes of the log are kept, in unbroken parts: two if a flood has lost its middle."""
    parts: list[range] = []
    for start, path in _segments(folder, claim_no):
        with contextlib.suppress(FileNotFoundError):
            stop = start + path.stat().st_size
            if parts and parts[-1].stop == start:
                start = parts.pop().start
            parts.append(range(start, stop))
    return parts


def read_part(folder: JobFolder, claim_no: int, part: range) -> bytes:
    """These bytes of the log; fewer if some are no longer kept."""
    limit = len(part)
    return b"".join(
        data[: max(0, part.stop - start)] for start, data in _contents(folder, claim_no, part.start, limit)
    )


def whole_characters(data: bytes) -> bytes:
    """The bytes without an incomplete UTF-8 character at their end."""
    for back in range(1, min(3, len(data)) + 1):
        first = data[-back]
        if first >= 0xC0:
            size = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
            return data[:-back] if back < size else data
    return data


def _contents(folder: JobFolder, claim_no: int, after: int, limit: int) -> Iterator[tuple[int, bytes]]:
    """Offset and bytes of each segment's part from `after` on, at most `limit` of each."""
    for start, path in _segments(folder, claim_no):
        try:
            # No further than its end: a number from an address may be larger than any file.
            skipped = min(max(0, after - start), path.stat().st_size)
            with path.open("rb") as file:
                file.seek(skipped)
                data = file.read(limit)
        except FileNotFoundError:  # dropped between listing and reading
            continue
        if data:
            yield max(start, after), data


def _segments(folder: JobFolder, claim_no: int) -> list[tuple[int, Path]]:
    prefix = f"log-{claim_no}-"
    try:
        names = [path.name for path in folder.path.iterdir() if path.name.startswith(prefix)]
    except FileNotFoundError:
        return []
    return sorted((int(name[len(prefix) : -len(".txt")]), folder.path / name) for name in names)

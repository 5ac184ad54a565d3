"""A yielded value as it was at its `yield`, even if the function changes it afterwards.

Copying costs far less than encoding: 5 MB of rows take 4 ms, and 230 ms to encode. So every value is copied, and
only what is shown is encoded.
"""

import io
import os
import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Protocol
from uuid import UUID

from asyncinweb.one_process import OneProcess
from asyncinweb.server_paths import HiddenPaths
from asyncinweb.tasks.outputs.files import as_shown
from asyncinweb.tasks.outputs.images import draws_itself
from asyncinweb.tasks.outputs.jsonable import attribute
from asyncinweb.tasks.outputs.return_value import ReturnValue
from asyncinweb.tasks.outputs.shapes import to_return_value
from asyncinweb.tasks.outputs.texts import Markdown

# Values that nothing can change need no copy.
UNCHANGING = frozenset(
    {type(None), bool, int, float, complex, str, bytes, Markdown, Decimal, date, datetime, time, timedelta, UUID}
)


@dataclass(frozen=True)
class Encoder:
    """Turns the values of one job into the shape that a page shows, without paths on this server."""

    most_bytes: int
    hidden_paths: HiddenPaths

    def __call__(self, value: object) -> ReturnValue:
        with OneProcess():
            return as_shown(to_return_value(value, self.most_bytes), self.hidden_paths)


class Snapshot(Protocol):
    """A yielded value. `is_settled`: the function can no longer change it, so any thread can read it."""

    @property
    def is_settled(self) -> bool: ...

    def value(self) -> object:
        """The value, or another one that looks the same."""
        ...

    def return_value(self, encode: Encoder) -> ReturnValue:
        """The value in the shape that a page shows. Runs the author's code, and raises what that raises."""
        ...


@dataclass(frozen=True)
class Original:
    """The value itself: nothing can change it, or it costs too much to copy now (then it isn't settled)."""

    original: object
    is_settled: bool = True

    def value(self) -> object:
        return self.original

    def return_value(self, encode: Encoder) -> ReturnValue:
        return encode(self.original)


@dataclass(frozen=True)
class Copy:
    """The value as bytes, which only this process reads and which are never stored."""

    pickled: bytes
    is_settled: ClassVar[bool] = True

    def value(self) -> object:
        return pickle.loads(self.pickled)

    def return_value(self, encode: Encoder) -> ReturnValue:
        return encode(self.value())


@dataclass(frozen=True)
class Encoded:
    """A value that cannot be copied, such as a figure or a file: what a page shows of it, and the value itself."""

    original: object
    encoded: ReturnValue
    is_settled: ClassVar[bool] = True

    def value(self) -> object:
        return self.original

    def return_value(self, encode: Encoder) -> ReturnValue:
        return self.encoded


@dataclass(frozen=True)
class Collected:
    """The first `count` values of a list that only grows."""

    items: Sequence[Snapshot]
    count: int
    is_settled: bool

    def value(self) -> object:
        return [item.value() for item in self.items[: self.count]]

    def return_value(self, encode: Encoder) -> ReturnValue:
        return encode(self.value())


def snapshot_of(value: object, encode: Encoder) -> Snapshot:
    """The value as it is now."""
    if type(value) in UNCHANGING:
        return Original(value)
    return copy_of(value) or encoded(value, encode)


def copy_of(value: object) -> Copy | None:
    """A copy; None for a value that cannot be copied. Builtin types are copied in one step, even while other
    threads run."""
    copy = io.BytesIO()
    try:
        _Copier(copy, pickle.HIGHEST_PROTOCOL).dump(value)
    except Exception:  # an author's own object may fail in any way
        return None
    return Copy(copy.getvalue())


def encoded(value: object, encode: Encoder) -> Encoded:
    """The value in the shape that a page shows, with the contents of its files."""
    with _position_kept(value):
        return Encoded(value, _with_files_read(encode(value), encode.most_bytes))


class _Copier(pickle.Pickler):
    def reducer_override(self, value: object) -> Any:
        """Called for all types except builtin ones."""
        # Unpickling a figure would make it pyplot's current one, and a path says nothing about the contents of its
        # file.
        if isinstance(value, os.PathLike) or callable(attribute(value, "read")) or draws_itself(value):
            raise pickle.PicklingError
        return NotImplemented


@contextmanager
def _position_kept(value: object) -> Iterator[None]:
    """Let the function continue reading or writing at its position in a file that it yields."""
    seek, tell = attribute(value, "seek"), attribute(value, "tell")
    try:
        position = tell()
    except Exception:  # not a file, or a file without a position
        yield
        return
    try:
        yield
    finally:
        seek(position)


def _with_files_read(value: ReturnValue, most_bytes: int) -> ReturnValue:
    """The same without files that the function may change. One that is too large to show is left where it is."""
    parts = tuple((name, _with_files_read(part, most_bytes)) for name, part in value.parts)
    if value.source is None or value.size > most_bytes:
        return replace(value, parts=parts)
    return replace(value, parts=parts, source=None, source_bytes=0, data=value.source.read_bytes())

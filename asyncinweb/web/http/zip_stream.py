"""A ZIP generated while it is sent, so that neither the server's memory nor its disk has to hold it."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

CHUNK = 256_000
# The network is slower than this level, and higher levels take as long per megabyte as a whole page.
LEVEL = 1


class _Sink(io.RawIOBase):
    """A buffer to which the ZIP is written and from which it is taken piece by piece. It cannot seek, so nothing
    is written twice."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: "io.ReadableBuffer") -> int:  # type: ignore[name-defined]
        piece = bytes(data)
        self._pieces.append(piece)
        return len(piece)

    def taken(self) -> bytes:
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data


def zip_pieces(entries: Iterable[tuple[str, Path | bytes]]) -> Iterator[bytes]:
    """The ZIP of these names and their contents. A file that no longer exists is left out."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for name, content in entries:
            yield from _entry(archive, sink, name, content)
    yield sink.taken()


def _entry(archive: zipfile.ZipFile, sink: _Sink, name: str, content: Path | bytes) -> Iterator[bytes]:
    if isinstance(content, bytes):
        archive.writestr(name, content)
        yield sink.taken()
        return
    try:
        facts = zipfile.ZipInfo.from_file(content, name, strict_timestamps=False)
        file = content.open("rb")
    except FileNotFoundError:
        return
    facts.compress_type = zipfile.ZIP_DEFLATED
    with file, archive.open(facts, "w", force_zip64=True) as entry:
        while data := file.read(CHUNK):
            entry.write(data)
            yield sink.taken()


def unique_names(names: Iterable[str]) -> Iterator[str]:
    """The names, made unique regardless of case: `a.txt`, `A (2).txt`."""
    taken: set[str] = set()
    for name in names:
        stem, dot, suffix = name.rpartition(".") if "." in name else (name, "", "")
        unique, count = name, 1
        while unique.casefold() in taken:
            count += 1
            unique = f"{stem} ({count}){dot}{suffix}"
        taken.add(unique.casefold())
        yield unique

"""Writing PNG, with nothing but zlib and struct. Layout after the PNG specification, third edition (W3C)."""

import struct
import zlib
from collections.abc import Sequence

SIGNATURE = b"\x89PNG\r\n\x1a\n"
EIGHT_BITS, RGB = 8, 2
UNFILTERED = b"\0"


def write_png(width: int, height: int, rows: Sequence[bytes]) -> bytes:
    """A PNG file from `height` rows, top first, of `width` pixels of three bytes: red, green, blue."""
    header = struct.pack(">IIBBBBB", width, height, EIGHT_BITS, RGB, 0, 0, 0)
    pixels = zlib.compress(b"".join(UNFILTERED + row for row in rows), level=9)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

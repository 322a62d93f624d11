"""PNG files of small pictures, without a library of images."""

from __future__ import annotations

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png(content: bytes, width: int, height: int, channels: int) -> bytes:
    """A PNG file.

    Args:
        content: 8-bit levels, row by row, the channels of a pixel next to each other.
        width: pixels of a row.
        height: rows.
        channels: 1 for levels of grey, 3 for red, green and blue.

    Raises:
        ValueError: the content has another size.
    """
    if channels not in (1, 3) or len(content) != width * height * channels:
        raise ValueError(f"received {len(content)} bytes for {width} x {height} pixels of {channels} channels")
    line = width * channels
    rows = b"".join(b"\0" + content[start : start + line] for start in range(0, len(content), line))
    head = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(*part) for part in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

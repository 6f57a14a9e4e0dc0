"""Writing a module zip from front to back, the same bytes every time (APPNOTE.TXT §4.3).

Belongs here: the format. Not here: which files (selection.py), where the bytes go. Python's own writer wants a file
that it can ask for its position, and keeps an object of half a kilobyte for each entry; this one keeps 60 bytes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_DESCRIPTOR = struct.Struct("<4s3L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")

_VERSION, _VERSION64 = 20, 45
_FLAGS = 0x8 | 0x800
"""Sizes stand behind the content; names are UTF-8."""
_DEFLATED = 8
_DATE = 0x0021
"""1980-01-01: times are not part of a module."""
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
_LEVEL = 6
"""zlib's own middle: level 9 costs three times as much for 1 % less."""


class ZipWriter:
    """Turns files, one after another, into the bytes of a zip. Contents and the file stay below 4 GiB."""

    def __init__(self) -> None:
        self._directory: list[bytes] = []
        self._at = 0

    def file(self, name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the bytes of one entry, deflated."""
        raw = name.encode()
        offset, crc, size = self._at, 0, 0
        yield self._told(_LOCAL.pack(b"PK\x03\x04", _VERSION, _FLAGS, _DEFLATED, 0, _DATE, 0, 0, 0, len(raw), 0) + raw)
        begin = self._at
        deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        for piece in pieces:
            crc, size = zlib.crc32(piece, crc), size + len(piece)
            packed = deflate.compress(piece)
            if packed:
                yield self._told(packed)
        yield self._told(deflate.flush())
        length = self._at - begin
        yield self._told(_DESCRIPTOR.pack(b"PK\x07\x08", crc, length, size))
        fields = (_VERSION, _VERSION, _FLAGS, _DEFLATED, 0, _DATE, crc, length, size, len(raw), 0, 0, 0, 0, 0, offset)
        self._directory.append(_CENTRAL.pack(b"PK\x01\x02", *fields) + raw)

    def end(self) -> Iterator[bytes]:
        """Yield the central directory and the end record; nothing may follow."""
        offset, count = self._at, len(self._directory)
        for entry in self._directory:
            yield self._told(entry)
        length = self._at - offset
        if count >= _FULL16:
            at = self._at
            counts = (count, count, length, offset)
            yield self._told(_END64.pack(b"PK\x06\x06", _END64.size - 12, _VERSION64, _VERSION64, 0, 0, *counts))
            yield self._told(_LOCATOR.pack(b"PK\x06\x07", 0, at, 1))
        short = min(count, _FULL16)
        yield self._told(_END.pack(b"PK\x05\x06", 0, 0, short, short, length, offset, 0))

    def _told(self, data: bytes) -> bytes:
        self._at += len(data)
        return data

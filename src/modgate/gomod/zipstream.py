"""Hashing the entries of a zip while it arrives, so that little is left to do when its last byte is there.

Belongs here: reading a zip from front to back. Not here: the verdict. What is found here is a head start for
ziphash.py, which goes by the central directory and reads again whatever this could not be sure of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from typing import NamedTuple

from modgate.errors import Malformed
from modgate.gomod.modzip import DEFLATED, GO_LIMITS, HAS_DESCRIPTOR, ZipLimits
from modgate.gomod.zipcontent import Content
from modgate.gomod.ziplocal import DESCRIPTOR_BYTES, LOCAL_BYTES, descriptor_length, parse_local_header


class Streamed(NamedTuple):
    """One entry as it was found while streaming. A tuple, because there may be 250,000 of them."""

    name: str
    flags: int
    """Those of the local header."""
    method: int
    compressed_size: int
    size: int
    crc: int
    sha256: str
    """Of the content, in hex."""
    end: int
    """Where the next entry may begin, in bytes from the start of the file."""


class ZipHasher:
    """Is fed a zip file from its first byte to its last, in pieces of any size.

    Streaming ends at the central directory, and before it at the first thing that is odd, or cannot be read from front
    to back (a stored entry of unknown length). That is no error here: `results` keep what was found before.
    """

    def __init__(self, limits: ZipLimits = GO_LIMITS) -> None:
        self._limits = limits
        self._whole = hashlib.sha256()
        # The bytes that are not used yet, and where in the file they begin.
        self._view = memoryview(b"")
        self._at = 0
        self._streaming: Generator[None, None, None] | None = self._stream()
        self.size = 0
        """Bytes fed so far."""
        self.results: dict[int, Streamed] = {}
        """The entries found, by the offset of their local header."""

    @property
    def whole_sha256(self) -> str:
        """The sha256 of all bytes fed so far, in hex."""
        return self._whole.hexdigest()

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the file."""
        self._whole.update(data)
        self.size += len(data)
        if self._streaming is None:
            return
        self._view = memoryview(bytes(self._view) + data if self._view else data)
        try:
            next(self._streaming)
        except (StopIteration, Malformed):
            self._streaming = None
            self._view = memoryview(b"")

    def _stream(self) -> Generator[None, None, None]:
        """Hash entry after entry; yields whenever it needs more bytes."""
        left = self._limits.uncompressed_bytes
        # The names are held in memory, here as in the central directory.
        names_left = self._limits.directory_bytes
        while len(self.results) < self._limits.entries and names_left > 0:
            offset = self._at
            entry = yield from self._entry(left)
            if entry is None:
                return
            self.results[offset] = entry
            left -= entry.size
            names_left -= len(entry.name)

    def _entry(self, limit: int) -> Generator[None, None, Streamed | None]:
        """Hash one entry of at most `limit` bytes; None where its end cannot be known or is not where it should be."""
        header = parse_local_header((yield from self._take(LOCAL_BYTES)))
        if header is None:
            return None
        # A name that is not UTF-8 will match none in the central directory.
        name = (yield from self._take(header.name_bytes)).decode(errors="surrogateescape")
        size, compressed_size = header.sizes(name, (yield from self._take(header.extra_bytes)))
        content = Content(name, header.method, limit)
        start = self._at
        if header.flags & HAS_DESCRIPTOR:
            if header.method != DEFLATED:
                return None
            yield from self._read_to_end(content)
            compressed_size = self._at - start
            behind = yield from self._peek(DESCRIPTOR_BYTES)
            length = descriptor_length(behind, content.crc, compressed_size, content.size)
            if not length:
                return None
            self._skip(length)
        else:
            exact = yield from self._read_exactly(content, compressed_size)
            if not exact or (content.size, content.crc) != (size, header.crc):
                return None
        return Streamed(
            name, header.flags, header.method, compressed_size, content.size, content.crc, content.sha256, self._at
        )

    def _read_to_end(self, content: Content) -> Generator[None, None, None]:
        while True:
            self._skip(content.feed(self._view))
            if content.complete:
                return
            yield

    def _read_exactly(self, content: Content, length: int) -> Generator[None, None, bool]:
        """Read `length` bytes into `content`; false if it ends before or behind them."""
        while length:
            piece = self._view[:length]
            used = content.feed(piece)
            self._skip(used)
            length -= used
            if used < len(piece):
                return False
            if length:
                yield
        return content.complete

    def _take(self, length: int) -> Generator[None, None, bytes]:
        data = yield from self._peek(length)
        self._skip(length)
        return data

    def _peek(self, length: int) -> Generator[None, None, bytes]:
        while len(self._view) < length:
            yield
        return bytes(self._view[:length])

    def _skip(self, length: int) -> None:
        self._view = self._view[length:]
        self._at += length

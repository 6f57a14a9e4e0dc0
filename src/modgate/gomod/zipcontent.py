"""The content of one zip entry: inflated in bounded steps, counted and hashed.

Belongs here: bytes in, length, CRC-32 and SHA-256 out. Not here: where the content begins and ends (zipstream.py,
ziphash.py).
"""

from __future__ import annotations

import hashlib
import zlib

from modgate.errors import Malformed
from modgate.gomod.modzip import DEFLATED

_INPUT_BYTES = 16 * 1024
"""Fed to the inflater at once. It copies what it leaves over, and most entries are shorter than this."""
_OUTPUT_BYTES = 256 * 1024
"""Taken from the inflater at once: deflate makes up to 1,032 bytes of one, and no bomb may fill the memory."""


class Content:
    """One entry's content. `limit` is how many bytes it may have, inflated."""

    def __init__(self, name: str, method: int, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS) if method == DEFLATED else None
        self._sha256 = hashlib.sha256()
        self.size = 0
        """In bytes, inflated."""
        self.crc = 0

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    @property
    def complete(self) -> bool:
        """Whether the compressed form has told its end. Stored content never does, and is complete at any length."""
        return self._inflater is None or self._inflater.eof

    def feed(self, data: bytes | memoryview) -> int:
        """Take the next bytes as they stand in the zip, and return how many of them belong to this entry.

        Raises:
            Malformed: damaged, or more than the limit.
        """
        if self._inflater is None:
            self._take(data)
            return len(data)
        used = 0
        while used < len(data) and not self._inflater.eof:
            piece = data[used : used + _INPUT_BYTES]
            self._inflate(self._inflater, piece)
            used += len(piece) - len(self._inflater.unused_data)
        return used

    def _inflate(self, inflater: zlib._Decompress, piece: bytes | memoryview) -> None:
        rest: bytes | memoryview = piece
        while True:
            try:
                out = inflater.decompress(rest, _OUTPUT_BYTES)
            except zlib.error:
                raise Malformed("module zip", self._name, "its compressed content is damaged") from None
            self._take(out)
            if inflater.eof or len(out) < _OUTPUT_BYTES:
                return
            # A full step may have left output inside even where no input is left over.
            rest = inflater.unconsumed_tail

    def _take(self, data: bytes | memoryview) -> None:
        self.size += len(data)
        if self.size > self._limit:
            raise Malformed("module zip", self._name, f"its content is more than {self._limit} bytes")
        self.crc = zlib.crc32(data, self.crc)
        self._sha256.update(data)

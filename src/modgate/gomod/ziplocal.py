"""What stands around the content of a zip entry: local header and data descriptor (APPNOTE.TXT §4.3.7, §4.3.9).

Belongs here: parsing both from bytes. Not here: the central directory (zipread.py), which has the last word.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from modgate.errors import Malformed
from modgate.gomod.zipread import widened

_LOCAL = struct.Struct("<4s5H3L2H")
_LOCAL_MAGIC = b"PK\x03\x04"
LOCAL_BYTES = _LOCAL.size
"""Length of a local header before its name and its extra fields, which have at most 65,535 bytes each."""

_DESCRIPTOR = struct.Struct("<4s3L")
_DESCRIPTOR64 = struct.Struct("<4sL2Q")
_DESCRIPTOR_MAGIC = b"PK\x07\x08"
DESCRIPTOR_BYTES = _DESCRIPTOR64.size
"""Length of the longest data descriptor. Behind it there is always more: the central directory names its entry."""
SHORTEST_DESCRIPTOR_BYTES = 12
"""Without the signature, which was no part of it at first (§4.3.9.3)."""


class LocalHeader(NamedTuple):
    """A local header without its name and extra fields."""

    flags: int
    method: int
    crc: int
    compressed_size: int
    size: int
    name_bytes: int
    extra_bytes: int

    @property
    def length(self) -> int:
        """Bytes from the start of the header to the content."""
        return LOCAL_BYTES + self.name_bytes + self.extra_bytes

    def sizes(self, name: str, extra: bytes) -> tuple[int, int]:
        """Return size and compressed size, from the zip64 extra field where they stand there.

        Raises:
            Malformed: they do not.
        """
        size, compressed_size = widened(name, extra, self.size, self.compressed_size)
        return size, compressed_size


def parse_local_header(data: bytes) -> LocalHeader | None:
    """Read the first LOCAL_BYTES of a local header; None if `data` is shorter or something else."""
    if len(data) < LOCAL_BYTES or not data.startswith(_LOCAL_MAGIC):
        return None
    _, _, flags, method, _, _, crc, compressed_size, size, name_bytes, extra_bytes = _LOCAL.unpack_from(data)
    return LocalHeader(flags, method, crc, compressed_size, size, name_bytes, extra_bytes)


def descriptor_length(data: bytes, crc: int, compressed_size: int, size: int) -> int:
    """Return the length of the data descriptor that `data` (DESCRIPTOR_BYTES) begins with, or 0 where it does not fit.

    It may have sizes of 32 or 64 bits and does not say which (§4.3.9.2). For an empty entry both can fit; then what
    comes next decides. Only with its signature, which Go and nearly everybody writes.
    """
    low = 0xFFFFFFFF
    is_short = data.startswith(_DESCRIPTOR.pack(_DESCRIPTOR_MAGIC, crc, compressed_size & low, size & low))
    is_long = data == _DESCRIPTOR64.pack(_DESCRIPTOR_MAGIC, crc, compressed_size, size)
    if is_short and (not is_long or data.startswith(b"PK", _DESCRIPTOR.size)):
        return _DESCRIPTOR.size
    return _DESCRIPTOR64.size if is_long else 0


def check_descriptor(data: bytes, name: str, crc: int) -> None:
    """Pass a descriptor, with or without signature, that repeats the checksum; Go's reader looks at no more of it.

    Raises:
        Malformed: it does not.
    """
    at = len(_DESCRIPTOR_MAGIC) if data.startswith(_DESCRIPTOR_MAGIC) else 0
    if data[at : at + 4] != crc.to_bytes(4, "little"):
        raise Malformed("module zip", name, "the checksum behind its content is another than in the central directory")

"""The end of a zip file and its central directory, parsed from bytes (APPNOTE.TXT §4.3.12 to §4.3.16).

Belongs here: the structures that say which entries a zip has and where. Not here: what a module zip may hold
(modzip.py), contents (ziphash.py).

As strict as Go's archive/zip, and stricter where another reader could see other files in the same bytes: nothing stands
before the first entry, between directory and end record, or after the end record; all counts and sizes agree.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from modgate.errors import Malformed
from modgate.gomod.modzip import Entry

_END = struct.Struct("<4s4H2LH")
_END_MAGIC = b"PK\x05\x06"
_LOCATOR = struct.Struct("<4sLQL")
_LOCATOR_MAGIC = b"PK\x06\x07"
_END64 = struct.Struct("<4sQ2H2L4Q")
_END64_MAGIC = b"PK\x06\x06"
_END64_UNCOUNTED = 12
"""Bytes of the zip64 end record that its own size field leaves out."""
_HEADER = struct.Struct("<4s6H3L5H2L")
_HEADER_MAGIC = b"PK\x01\x02"
_EXTRA = struct.Struct("<2H")
_ZIP64_EXTRA = 1

_FULL16 = 0xFFFF
_FULL32 = 0xFFFFFFFF
"""A field of 16 or 32 bits with this value means: look into the zip64 record."""

TAIL_BYTES = 66 * 1024
"""What `find_end` wants to see: the end record (22 bytes), the longest comment (65,535) and the zip64 records (76)."""


@dataclass(frozen=True, slots=True)
class Directory:
    """Where the central directory stands."""

    offset: int
    size: int
    """In bytes."""
    count: int
    """Of its entries."""


def find_end(tail: bytes, size: int) -> Directory:
    """Find the central directory of a file of `size` bytes by its last bytes, `tail` (TAIL_BYTES, or the whole file).

    Raises:
        Malformed: no zip file, in several parts, or with something before or behind it.
    """
    at = tail.rfind(_END_MAGIC, 0, max(0, len(tail) - _END.size + len(_END_MAGIC)))
    if at < 0:
        raise _malformed("end record", "not there: this is no zip file, or a part of one")
    _, disk, directory_disk, disk_count, count, length, offset, comment = _END.unpack_from(tail, at)
    if at + _END.size + comment != len(tail):
        raise _malformed("end record", "not at the end of the file")
    if disk or directory_disk or disk_count != count:
        raise _malformed("end record", "of one part of a zip in several files")
    end = size - len(tail) + at
    directory = Directory(offset, length, count)
    # Go looks for zip64 records when it sees 0xffff as the length, and other readers when they see 0xffffffff.
    if count == _FULL16 or length in (_FULL16, _FULL32) or offset == _FULL32:
        directory, end = _zip64(tail, size, at, directory)
    if directory.offset + directory.size != end:
        raise _malformed("central directory", "does not end where the end record begins")
    if directory.count == 0 and directory.offset:
        raise _malformed("central directory", "something stands before it, and it has no entries")
    return directory


def parse_directory(data: bytes, directory: Directory) -> list[Entry]:
    """Read the entries out of the central directory's bytes.

    Raises:
        Malformed: it does not hold the number of entries that the end record says, a name is not UTF-8, or an entry
            lies outside of the file.
    """
    if len(data) != directory.size:
        raise _malformed("central directory", "cut off")
    entries: list[Entry] = []
    at = 0
    while at < len(data) and len(entries) < directory.count:
        entry, at = _parse_entry(data, at)
        if entry.offset >= directory.offset:
            raise Malformed("module zip", entry.name, "its content does not lie before the central directory")
        entries.append(entry)
    if at != len(data) or len(entries) != directory.count:
        raise _malformed("central directory", "does not hold the number of entries that the end record says")
    if entries and not any(entry.offset == 0 for entry in entries):
        raise _malformed("first entry", "something stands before it")
    return entries


def _zip64(tail: bytes, size: int, at: int, plain: Directory) -> tuple[Directory, int]:
    """Return the directory as the zip64 records tell it and where they begin; `plain` where there are none."""
    start = size - len(tail)
    if at < _LOCATOR.size or tail[at - _LOCATOR.size : at - _LOCATOR.size + 4] != _LOCATOR_MAGIC:
        return plain, start + at
    _, disk, offset, disks = _LOCATOR.unpack_from(tail, at - _LOCATOR.size)
    if disk or disks != 1:
        raise _malformed("end record", "of one part of a zip in several files")
    begin = offset - start
    if begin < 0 or begin + _END64.size > at - _LOCATOR.size:
        raise _malformed("zip64 end record", "not before its locator")
    magic, length, _, _, disk, directory_disk, disk_count, count, size64, offset64 = _END64.unpack_from(tail, begin)
    if magic != _END64_MAGIC or begin + length + _END64_UNCOUNTED != at - _LOCATOR.size:
        raise _malformed("zip64 end record", "damaged")
    if disk or directory_disk or disk_count != count:
        raise _malformed("end record", "of one part of a zip in several files")
    pairs = ((plain.count, count, _FULL16), (plain.size, size64, _FULL32), (plain.offset, offset64, _FULL32))
    if any(short not in (full, long) for short, long, full in pairs):
        raise _malformed("zip64 end record", "contradicts the end record")
    return Directory(offset64, size64, count), offset


def _parse_entry(data: bytes, at: int) -> tuple[Entry, int]:
    if at + _HEADER.size > len(data):
        raise _malformed("central directory", "cut off")
    fields = _HEADER.unpack_from(data, at)
    magic, _, _, flags, method, _, _, crc, compressed, size, name_length, extra_length, comment_length, disk = fields[
        :14
    ]
    offset = fields[-1]
    names_at = at + _HEADER.size
    extra_at = names_at + name_length
    next_at = extra_at + extra_length + comment_length
    if magic != _HEADER_MAGIC or next_at > len(data) or disk:
        raise _malformed("central directory", "damaged")
    try:
        name = data[names_at:extra_at].decode()
    except UnicodeDecodeError:
        shown = data[names_at:extra_at].decode(errors="backslashreplace")
        raise Malformed("module zip", shown, "a file name that is not UTF-8") from None
    if _FULL32 in (size, compressed, offset):
        extra = data[extra_at : extra_at + extra_length]
        size, compressed, offset = widened(name, extra, size, compressed, offset)
    return Entry(name, size, compressed, method, crc, offset, flags), next_at


def widened(name: str, extra: bytes, *fields: int) -> list[int]:
    """Replace the fields that are full by their values in the zip64 extra field (APPNOTE.TXT §4.5.3)."""
    content = zip64_extra(extra)
    widened: list[int] = []
    for field in fields:
        if field != _FULL32:
            widened.append(field)
            continue
        if len(content) < 8:
            raise Malformed("module zip", name, "its zip64 extra field is missing or too short")
        widened.append(int.from_bytes(content[:8], "little"))
        content = content[8:]
    return widened


def zip64_extra(extra: bytes) -> bytes:
    """Return the content of the first zip64 field among the extra fields of a header, or b""."""
    at = 0
    while at + _EXTRA.size <= len(extra):
        tag, length = _EXTRA.unpack_from(extra, at)
        at += _EXTRA.size
        if tag == _ZIP64_EXTRA:
            return extra[at : at + length] if at + length <= len(extra) else b""
        at += length
    return b""


def _malformed(where: str, why: str) -> Malformed:
    return Malformed("module zip", where, why)

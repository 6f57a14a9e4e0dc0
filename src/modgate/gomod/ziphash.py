"""The verdict on a module zip, and its h1: the pass by the central directory (protocol.md §3, §4).

Belongs here: going through a whole zip and proving every entry. Not here: the head start while it arrives
(zipstream.py), what is done with the h1 (cache/, checksum/).

The central directory has the last word, as in Go's reader. What was hashed while streaming counts only where it agrees
with the directory in all it says about the entry; everything else is read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from modgate.errors import Malformed
from modgate.gomod import ModulePath
from modgate.gomod.dirhash import h1
from modgate.gomod.modzip import GO_LIMITS, HAS_DESCRIPTOR, Entry, ZipLimits, check_entries
from modgate.gomod.zipcontent import Content
from modgate.gomod.ziplocal import LOCAL_BYTES, SHORTEST_DESCRIPTOR_BYTES, check_descriptor, parse_local_header
from modgate.gomod.zipread import TAIL_BYTES, find_end, parse_directory
from modgate.gomod.zipstream import Streamed

_PIECE_BYTES = 256 * 1024
"""Read at once: longer than any local header, and large enough that reading costs nothing beside inflating."""

_DESCRIPTOR_BYTES = 16
"""What Go's reader looks at behind the content: signature, checksum, and sizes that it ignores."""

_NOTHING = hashlib.sha256(b"").hexdigest()

Read: TypeAlias = Callable[[int, int], bytes]
"""Returns `length` bytes at `offset`, fewer only at the end of the file."""


@dataclass(frozen=True, slots=True)
class ZipSum:
    """What is known of a zip that has passed."""

    h1: str
    files: int
    """How many entries are in the h1."""


def hash_zip(
    read: Read,
    size: int,
    path: ModulePath,
    version: str,
    streamed: Mapping[int, Streamed],
    limits: ZipLimits = GO_LIMITS,
) -> ZipSum:
    """Prove that a file of `size` bytes is a zip of the module `path` at `version`, and return its hash.

    `streamed` is what a ZipHasher found in the same bytes, or empty.

    Raises:
        Malformed: it breaks a rule of the zip format, of module zips, or of its own checksums; says which, and where.
    """
    if size > limits.zip_bytes:
        raise Malformed("module zip", f"{path}@{version}", f"{size} bytes are more than the allowed {limits.zip_bytes}")
    tail = read(max(0, size - TAIL_BYTES), min(size, TAIL_BYTES))
    directory = find_end(tail, size)
    if directory.count > limits.entries or directory.size > limits.directory_bytes:
        raise Malformed("module zip", f"{path}@{version}", f"more than the allowed {limits.entries} entries")
    entries = parse_directory(read(directory.offset, directory.size), directory)
    check_entries(path, version, entries, size, limits)
    return ZipSum(h1(_digests(read, entries, directory.offset, streamed)), len(entries))


def _digests(
    read: Read, entries: Iterable[Entry], end: int, streamed: Mapping[int, Streamed]
) -> Iterator[tuple[str, str]]:
    """Yield name and content hash of each entry, as they lie in the file; all of them lie before `end`."""
    ordered = sorted(entries, key=lambda entry: entry.offset)
    bounds = [*(entry.offset for entry in ordered), end]
    for entry, entry_end in zip(ordered, bounds[1:], strict=True):
        found = streamed.get(entry.offset)
        if found is not None and _agrees(found, entry, entry_end):
            yield entry.name, found.sha256
        else:
            yield entry.name, _read_digest(read, entry, entry_end)


def _agrees(found: Streamed, entry: Entry, end: int) -> bool:
    says_the_same = (found.name, found.method, found.compressed_size, found.size, found.crc) == (
        entry.name,
        entry.method,
        entry.compressed_size,
        entry.size,
        entry.crc,
    )
    return says_the_same and not (found.flags ^ entry.flags) & HAS_DESCRIPTOR and found.end <= end


def _read_digest(read: Read, entry: Entry, end: int) -> str:
    """Read one entry, which ends before `end`, prove it, and return the sha256 of its content."""
    first = read(entry.offset, min(end - entry.offset, _PIECE_BYTES))
    header = parse_local_header(first)
    if header is None:
        raise _malformed(entry, "no local header where the central directory says")
    name = first[LOCAL_BYTES : LOCAL_BYTES + header.name_bytes]
    if name != entry.name.encode() or header.method != entry.method:
        raise _malformed(entry, "its local header names another file or method than the central directory")
    start = entry.offset + header.length
    stop = start + entry.compressed_size
    is_described = bool(entry.flags & HAS_DESCRIPTOR)
    if stop + is_described * SHORTEST_DESCRIPTOR_BYTES > end:
        raise _malformed(entry, "its content overlaps with what comes next")
    if entry.is_directory:
        return _NOTHING
    content = Content(entry.name, entry.method, entry.size)
    for piece in _pieces(read, first[header.length :], start, stop):
        if content.feed(piece) < len(piece):
            raise _malformed(entry, "its compressed content ends too early")
    if not content.complete or (content.size, content.crc) != (entry.size, entry.crc):
        raise _malformed(entry, "its content has another length or checksum than the central directory says")
    if is_described:
        check_descriptor(read(stop, min(_DESCRIPTOR_BYTES, end - stop)), entry.name, entry.crc)
    return content.sha256


def _pieces(read: Read, first: bytes, start: int, stop: int) -> Iterator[bytes]:
    """Yield the bytes from `start` to `stop`, of which `first` holds the beginning; fewer where the file ends."""
    piece = first[: stop - start]
    while piece:
        yield piece
        start += len(piece)
        piece = read(start, min(stop - start, _PIECE_BYTES)) if start < stop else b""


def _malformed(entry: Entry, why: str) -> Malformed:
    return Malformed("module zip", entry.name, why)

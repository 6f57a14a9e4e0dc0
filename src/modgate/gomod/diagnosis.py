"""What is wrong with a file that is not the one that it should be, in the words of an operator.

Belongs here: looking at bytes. Not here: where they come from (gateway/diagnosing.py).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from modgate.errors import Malformed
from modgate.gomod import ModulePath
from modgate.gomod.dirhash import h1_of_mod
from modgate.gomod.ziphash import hash_zip
from modgate.gomod.zipread import TAIL_BYTES, find_end, parse_directory

END_MAGIC, END_BYTES = b"PK\x05\x06", 22
"""Of the record at the end of a zip (APPNOTE §4.3.16)."""
MOST_NAMES = 10
"""Files that are named where zips differ; the number of the others is told."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of the right file."""

    path: ModulePath
    version: str
    kind: str
    """info, mod or zip."""
    h1: str = ""
    """That of the record, or else that of the stored file; "" where neither is known."""
    reference: bytes | None = None
    """A file with that h1, or for .info the stored one."""


def findings(expected: Expected, data: bytes) -> list[str]:
    """One phrase each; the last one is the verdict."""
    if data == expected.reference:
        return ["is the stored file, byte for byte"]
    return list(_judged(expected, data))


def _judged(expected: Expected, data: bytes) -> Iterator[str]:
    if data.startswith(b"\x1f\x8b"):
        yield "is compressed with gzip, though nobody asked for it"
        yield from _judged(expected, _unpacked(data))
    elif data.lstrip()[:1] == b"<":
        yield f"is a page of HTML of {len(data)} bytes: {data[:60].decode(errors='replace').strip()!r}"
    elif expected.kind == "zip":
        yield from _zip(expected, data)
    elif expected.kind == "mod":
        yield from _compared(expected, h1_of_mod(data))
    else:
        yield from _info(expected, data)


def _zip(expected: Expected, data: bytes) -> Iterator[str]:
    if not data.startswith(b"PK"):
        yield f"is no zip: it begins with {data[:8]!r}"
        return
    end = data.rfind(END_MAGIC)
    if end < 0:
        yield f"is cut off after {len(data)} bytes: it has no end"
        return
    whole = end + END_BYTES + int.from_bytes(data[end + 20 : end + 22], "little")
    if whole > len(data):
        yield f"is cut off after {len(data)} bytes, {whole - len(data)} before its end"
        return
    if whole < len(data):
        yield f"has {len(data) - whole} bytes behind its end"
        data = data[:whole]
    try:
        found = hash_zip(lambda at, size: data[at : at + size], len(data), expected.path, expected.version, {})
    except Malformed as error:
        yield f"is no module zip: {error.why}"
    else:
        yield from _compared(expected, found.h1)
        if found.h1 == expected.h1:
            return
    if expected.reference is not None:
        yield from _differences(expected.reference, data)


def _compared(expected: Expected, h1: str) -> Iterator[str]:
    if not expected.h1:
        yield f"has {h1}; nothing is known to compare it with"
    elif h1 != expected.h1:
        yield f"is a different file: it has {h1}, and should have {expected.h1}"
    elif expected.reference is not None and expected.kind == "zip":
        yield "has the right content, packed in another way than the stored file"
    else:
        yield "is right"


def _differences(right: bytes, data: bytes) -> Iterator[str]:
    """The files in which two zips differ."""
    try:
        one, other = _entries(right), _entries(data)
    except Malformed:
        return
    names = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    for name in names[:MOST_NAMES]:
        how = "is missing" if name not in other else "is there besides" if name not in one else "differs"
        yield f"in the zip {how}: {name}"
    if len(names) > MOST_NAMES:
        yield f"and {len(names) - MOST_NAMES} more files differ"


def _entries(data: bytes) -> dict[str, tuple[int, int]]:
    directory = find_end(data[-TAIL_BYTES:], len(data))
    entries = parse_directory(data[directory.offset : directory.offset + directory.size], directory)
    return {entry.name: (entry.size, entry.crc) for entry in entries}


def _info(expected: Expected, data: bytes) -> Iterator[str]:
    said, known = _origin(data), _origin(expected.reference or b"")
    if said is None:
        yield "is no .info file"
    elif known is None or said == known:
        yield f"says {' '.join(filter(None, said)) or 'nothing of its origin'}"
    else:
        yield f"was perhaps tagged anew: it says {' '.join(filter(None, said))}, the stored one {' '.join(known)}"


def _origin(data: bytes) -> tuple[str, str] | None:
    """Time and commit."""
    try:
        said = json.loads(data)
        origin = said.get("Origin") or {}
        return str(said.get("Time", "")), str(origin.get("Hash", ""))
    except (ValueError, AttributeError):
        return None


def _unpacked(data: bytes) -> bytes:
    decoder = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        return decoder.decompress(data, 1 << 30)
    except zlib.error:
        return b""

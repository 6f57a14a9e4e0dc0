"""What the answer to a lookup claims, before anything but the signature is proven. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from modgate.errors import Unproven
from modgate.tlog.note import Verifier, open_note
from modgate.tlog.record import parse_record
from modgate.tlog.tree import Head, parse_head

_H1 = re.compile(r"h1:[A-Za-z0-9+/]{43}=")
"""The one kind of hash that go.sum has; lines with others are for times to come."""


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A tree head that a known key has signed."""

    head: Head
    note: bytes
    """The signed note itself: evidence."""


@dataclass(frozen=True, slots=True)
class Claim:
    """That a record with these sums stands at this place of the signed tree."""

    record_id: int
    text: str
    sums: Mapping[str, str]
    """Of the module and version asked for: "zip" and "mod", each `h1:…`; one of them may be missing."""
    signed: SignedHead


def open_head(note: bytes, verifiers: Sequence[Verifier]) -> SignedHead:
    """Open a signed tree note.

    Raises:
        Malformed: it is none.
        Unproven: it is not signed as it should be.
    """
    return SignedHead(parse_head(open_note(note, verifiers).text), note)


def open_lookup(
    data: bytes,
    path: str,
    version: str,
    verifiers: Sequence[Verifier],
    known: Mapping[bytes, SignedHead] = MappingProxyType({}),
) -> Claim:
    """Read the answer to the lookup of a module path and version, both unescaped; `known` are heads that were opened
    with the same verifiers before, by their notes: lookups that come together mostly carry one head.

    Raises:
        Malformed: it is none.
        Unproven: its head is not signed as it should be or is older than the record, or the record is another one.
    """
    record_id, text, note = parse_record(data)
    signed = known.get(note) or open_head(note, verifiers)
    if record_id >= signed.head.size:
        # Its tree proves nothing about it; a replayed older head looks like that.
        raise Unproven("record", f"record {record_id} comes with the head of {signed.head.size} records")
    sums = sums_in(text, path, version)
    if not sums:
        raise Unproven("record", f"record {record_id} has no sums of {path}@{version}")
    return Claim(record_id, text, sums, signed)


def sums_in(text: str, path: str, version: str) -> dict[str, str]:
    """The h1 sums of a module in lines of go.sum; of several for one thing the first counts, as for the go command."""
    places = {(path, version): "zip", (path, f"{version}/go.mod"): "mod"}
    sums: dict[str, str] = {}
    for line in text.splitlines():
        fields = line.split(" ")
        place = places.get((fields[0], fields[1])) if len(fields) == 3 else None
        if place is not None and _H1.fullmatch(fields[2]):
            sums.setdefault(place, fields[2])
    return sums

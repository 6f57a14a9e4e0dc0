"""Tree heads and records, as they stand in notes and lookups (protocol.md §5.1, §5.3)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from modgate.errors import Malformed
from modgate.tlog.hashes import HASH_BYTES
from modgate.tlog.note import parse_note
from modgate.tlog.record import parse_number, parse_record

FIRST_LINE = "go.sum database tree"


@dataclass(frozen=True, slots=True)
class Head:
    """The size and root of a tree."""

    size: int
    root: bytes
    """32 bytes."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """The answer to one lookup."""

    record_id: int
    text: str
    """The record: lines of go.sum."""
    head: Head
    note: bytes = b""
    """The signed tree note that the head stands in."""


def format_head(head: Head) -> str:
    """The text of a tree note, to be signed."""
    return f"{FIRST_LINE}\n{head.size}\n{base64.b64encode(head.root).decode()}\n"


def parse_head(text: str) -> Head:
    """The head in a tree note's text; further lines are allowed.

    Raises:
        Malformed: it is none.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines[0] != FIRST_LINE:
        raise Malformed("tree head", text[:40], f"its first line is not {FIRST_LINE!r}")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except (binascii.Error, ValueError):
        root = b""
    if len(root) != HASH_BYTES:
        raise Malformed("tree head", text[:40], "its third line is no hash")
    return Head(parse_number(lines[1]), root)


def parse_signed_head(data: bytes) -> Head:
    """The head in a signed tree note, whose signatures are not verified here.

    Raises:
        Malformed: it is none.
    """
    return parse_head(parse_note(data).text)


def parse_lookup(data: bytes) -> Lookup:
    """Take the answer to a lookup apart: `<id>`, the record, an empty line, a signed tree note.

    Raises:
        Malformed: it is none.
    """
    record_id, text, note = parse_record(data)
    return Lookup(record_id, text, parse_signed_head(note), note)

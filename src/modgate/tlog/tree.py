"""Tree heads and records, as they stand in notes and lookups (protocol.md §5.1, §5.3)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from modgate.errors import Malformed
from modgate.tlog.note import parse_note

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
    if len(root) != 32:
        raise Malformed("tree head", text[:40], "its third line is no hash")
    return Head(_number(lines[1]), root)


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
    try:
        first, _, rest = data.decode().partition("\n")
    except UnicodeDecodeError as error:
        raise Malformed("lookup", "", "it is not UTF-8") from error
    text, separator, note = rest.partition("\n\n")
    if not separator or not text:
        raise Malformed("lookup", first[:40], "it has no record before an empty line")
    return Lookup(_number(first), text + "\n", parse_signed_head(note.encode()))


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or str(int(text[:20])) != text:
        raise Malformed("number", text[:40], "it is not decimal without leading zeros")
    return int(text)

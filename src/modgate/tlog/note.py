"""Signed notes: their form (protocol.md §5.2).

A note is text that ends with a newline, an empty line, and one or more signature lines `— name base64`.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from modgate.errors import Malformed

MOST_BYTES = 1_000_000
MOST_SIGNATURES = 100
DASH = "\u2014 "


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line; whether it is valid is not known here."""

    name: str
    key_id: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note."""

    text: str
    signatures: tuple[Signature, ...]


def parse_note(data: bytes) -> Note:
    """Take a note apart, strictly.

    Raises:
        Malformed: it is no note.
    """
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise Malformed("signed note", "", "it is not UTF-8") from error
    if len(data) > MOST_BYTES or any(ord(character) < 0x20 and character != "\n" for character in whole):
        raise Malformed("signed note", whole[:40], "it is too long, or holds control characters")
    text, separator, lines = whole.rpartition("\n\n")
    if not separator or not lines.endswith("\n"):
        raise Malformed("signed note", whole[:40], "it has no signature after an empty line")
    signatures = tuple(_signature(line) for line in lines[:-1].split("\n"))
    if len(signatures) > MOST_SIGNATURES:
        raise Malformed("signed note", whole[:40], f"it has more than {MOST_SIGNATURES} signatures")
    return Note(text + "\n", signatures)


def _signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(DASH).partition(" ")
    try:
        value = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if not line.startswith(DASH) or not name or "+" in name or len(value) < 5:
        raise Malformed("signed note", line[:40], "a line after the empty line is no signature")
    return Signature(name, int.from_bytes(value[:4]), value[4:])

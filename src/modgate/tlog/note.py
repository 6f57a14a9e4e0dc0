"""Signed notes: their form, and who has signed one (protocol.md §5.2).

A note is text that ends with a newline, an empty line, and one or more signature lines `— name base64`.

Belongs here: taking a note apart, opening and signing it with whatever signs. Not here: the texts of keys (keys.py),
the algorithm (ed25519.py), what a tree's note says (tree.py).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from modgate.errors import Malformed, Unproven
from modgate.tlog.keys import is_name

MOST_BYTES = 1_000_000
MOST_SIGNATURES = 100
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
"""What may not stand in a note: control characters but line ends."""
DASH = "\u2014 "


class Verifier(Protocol):
    """A key that signatures can be verified with."""

    @property
    def name(self) -> str: ...

    @property
    def key_id(self) -> int: ...

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's signature of `message`. Never raises."""


class Signer(Protocol):
    """A key that signs."""

    @property
    def name(self) -> str: ...

    @property
    def key_id(self) -> int: ...

    def sign(self, message: bytes) -> bytes:
        """The signature of `message`."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line; whether it is valid is not known here."""

    name: str
    key_id: int
    value: bytes

    @property
    def line(self) -> str:
        encoded = base64.b64encode(self.key_id.to_bytes(4) + self.value).decode()
        return f"{DASH}{self.name} {encoded}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note."""

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """A note that at least one known key has signed."""

    text: str
    verified: tuple[Signature, ...]
    """One for each known key that has signed it."""
    others: tuple[Signature, ...]
    """By keys that are not known here: they prove nothing, and go with the note when it is signed again."""


def parse_note(data: bytes) -> Note:
    """Take a note apart, strictly.

    Raises:
        Malformed: it is no note.
    """
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise Malformed("signed note", "", "it is not UTF-8") from error
    if len(data) > MOST_BYTES or _CONTROL.search(whole):
        raise Malformed("signed note", whole[:40], "it is too long, or holds control characters")
    text, separator, lines = whole.rpartition("\n\n")
    if not separator or not lines.endswith("\n"):
        raise Malformed("signed note", whole[:40], "it has no signature after an empty line")
    signatures = tuple(_signature(line) for line in lines[:-1].split("\n"))
    if len(signatures) > MOST_SIGNATURES:
        raise Malformed("signed note", whole[:40], f"it has more than {MOST_SIGNATURES} signatures")
    return Note(text + "\n", signatures)


def open_note(data: bytes, verifiers: Iterable[Verifier]) -> Opened:
    """Open a note as Go does: signatures by unknown keys prove nothing, one by a known key is needed, and a bad one by
    a known key spoils the note, whatever else has signed it. Of several by one key the first counts.

    Raises:
        Malformed: it is no note.
        Unproven: no known key has signed it, or one has not signed this.
    """
    note = parse_note(data)
    known = _by_key(verifiers)
    verified: dict[tuple[str, int], Signature] = {}
    others: dict[Signature, None] = {}
    for signature in note.signatures:
        key = signature.name, signature.key_id
        if key not in known:
            others[signature] = None
        elif key not in verified:
            if not known[key].verifies(note.text.encode(), signature.value):
                raise Unproven("signed note", f"its signature by {_shown(*key)} is not valid")
            verified[key] = signature
    if not verified:
        raise Unproven("signed note", f"it is not signed by {_all_shown(known)}")
    return Opened(note.text, tuple(verified.values()), tuple(others))


def sign_note(text: str, signers: Sequence[Signer], existing: Iterable[Signature] = ()) -> bytes:
    """The note over `text`, with the `existing` signatures first, as far as the signers do not make them anew.

    Raises:
        Malformed: the text does not end in a newline, or cannot stand in a note.
    """
    if not text.endswith("\n"):
        raise Malformed("signed note", text[-40:], "its text does not end in a newline")
    message = text.encode(errors="surrogatepass")  # refused below
    new = [Signature(signer.name, signer.key_id, signer.sign(message)) for signer in signers]
    renewed = {(signature.name, signature.key_id) for signature in new}
    kept = [signature for signature in existing if (signature.name, signature.key_id) not in renewed]
    data = message + b"\n" + "".join(signature.line for signature in (*kept, *new)).encode()
    if parse_note(data) != Note(text, (*kept, *new)):
        raise Malformed("signed note", text[:40], "its text would be read as something else")
    return data


def _signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(DASH).partition(" ")
    try:
        value = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if not line.startswith(DASH) or not is_name(name) or len(value) < 5:
        raise Malformed("signed note", line[:40], "a line after the empty line is no signature")
    return Signature(name, int.from_bytes(value[:4]), value[4:])


def _by_key(verifiers: Iterable[Verifier]) -> dict[tuple[str, int], Verifier]:
    known: dict[tuple[str, int], Verifier] = {}
    for verifier in verifiers:
        key = verifier.name, verifier.key_id
        if key in known:
            raise Unproven("signed note", f"two of the known keys are {_shown(*key)}: it cannot be said which is meant")
        known[key] = verifier
    return known


def _shown(name: str, key_id: int) -> str:
    return f"{name}+{key_id:08x}"


def _all_shown(known: Iterable[tuple[str, int]]) -> str:
    return " or ".join(_shown(*key) for key in known) or "any known key: none is known"

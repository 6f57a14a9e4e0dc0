"""The texts of the keys that sign notes (protocol.md §5.2).

verifier key: <name>+<id>+<base64>              for everybody
signer key:   PRIVATE+KEY+<name>+<id>+<base64>  a secret

The base64 part is a byte for the algorithm, and the public key or the seed; the id is taken from the public one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field

from modgate.errors import Malformed

ED25519 = b"\x01"
"""The one algorithm that the go command knows."""
KEY_BYTES = 32
"""Of an Ed25519 public key, and of a seed."""
_SECRET = "PRIVATE+KEY+"  # noqa: S105 how every signer key begins
_ID = re.compile(r"[0-9A-Fa-f]{8}")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key and whose it is."""

    name: str
    public: bytes
    """32 bytes."""

    @property
    def key_id(self) -> int:
        return key_id(self.name, ED25519 + self.public)

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id:08x}+{base64.b64encode(ED25519 + self.public).decode()}"


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A secret seed and whose it is. Its repr does not tell it; its str does."""

    name: str
    key_id: int
    """That of its public key, which only ed25519.py can make: it is compared there."""
    seed: bytes = field(repr=False)
    """32 bytes."""

    def __str__(self) -> str:
        return f"{_SECRET}{self.name}+{self.key_id:08x}+{base64.b64encode(ED25519 + self.seed).decode()}"


def key_id(name: str, key: bytes) -> int:
    """The four bytes that name a key; `key` begins with the byte of its algorithm."""
    return int.from_bytes(hashlib.sha256(name.encode() + b"\n" + key).digest()[:4])


def is_name(text: str) -> bool:
    """Whether a key may have this name: not empty, no white space, no `+`."""
    return bool(text) and "+" not in text and not any(character.isspace() for character in text)


def parse_verifier_key(text: str) -> VerifierKey:
    """Read `name+id+base64`.

    Raises:
        Malformed: it is no key, not of Ed25519, or its id is not that of its name and content.
    """
    what = "verifier key"
    name, number, public = _parts(what, text, text[:80])
    key = VerifierKey(name, public)
    if key.key_id != number:
        raise Malformed(what, text[:80], "its id does not match its name and content")
    return key


def parse_signer_key(text: str) -> SignerKey:
    """Read `PRIVATE+KEY+name+id+base64`; whether the id is right is known when a signer is made of it.

    Raises:
        Malformed: it is no key, or not of Ed25519. The error does not tell the text.
    """
    if not text.startswith(_SECRET):
        raise Malformed("signer key", "", f"it does not begin with {_SECRET}")
    return SignerKey(*_parts("signer key", text.removeprefix(_SECRET), ""))


def _parts(what: str, text: str, shown: str) -> tuple[str, int, bytes]:
    name, _, rest = text.partition("+")
    number, _, encoded = rest.partition("+")
    try:
        name.encode()
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not is_name(name) or not _ID.fullmatch(number) or not key:
        raise Malformed(what, shown, "it is not name+id+base64, the id in 8 hex digits")
    if key[:1] != ED25519 or len(key) != 1 + KEY_BYTES:
        raise Malformed(what, shown, "it is not an Ed25519 key")
    return name, int(number, 16), key[1:]

"""A checksum database in memory that can also be forked, cut back and lied about.

Belongs here: what an honest or dishonest keeper of the key can publish. Not here: who delivers it (ops.py).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence

from modgate.errors import Absent
from modgate.gomod.escape import escape_path, escape_version
from modgate.gomod.paths import check_path
from modgate.tlog.ed25519 import Ed25519Signer, Ed25519Verifier, generate_key
from modgate.tlog.hashes import record_hash, stored_hash_count, stored_hashes_for_record
from modgate.tlog.note import Signer, sign_note
from modgate.tlog.proofs import tree_hash
from modgate.tlog.record import format_record
from modgate.tlog.tile import parse_tile
from modgate.tlog.tiling import tile_data
from modgate.tlog.tree import Head, format_head

NAME = "sum.example.com"


def key_of(name: str, number: int = 1) -> Ed25519Signer:
    return Ed25519Signer(generate_key(name, bytes([number]) * 32))


def sums(path: str, version: str, salt: str = "") -> dict[str, str]:
    """The sums that a module has in these tests."""
    digests = {kind: hashlib.sha256(f"{path} {version} {kind} {salt}".encode()).digest() for kind in ("zip", "mod")}
    return {kind: f"h1:{base64.b64encode(digest).decode()}" for kind, digest in digests.items()}


def record_text(path: str, version: str, salt: str = "") -> str:
    both = sums(path, version, salt)
    return f"{path} {version} {both['zip']}\n{path} {version}/go.mod {both['mod']}\n"


class Log:
    """Everything that was ever recorded; each of its sizes can be signed and served."""

    def __init__(self, signers: Sequence[Signer] = ()) -> None:
        self.signers = signers or (key_of(NAME),)
        self.texts: list[str] = []
        self._hashes: list[bytes] = []
        self._numbers: dict[str, int] = {}

    @property
    def size(self) -> int:
        return len(self.texts)

    def records(self, path: str, version: str, salt: str = "") -> int:
        """Append the record of a module; its number."""
        number = self._numbers[f"lookup/{escape_path(check_path(path))}@{escape_version(version)}"] = self.size
        self._append(record_text(path, version, salt))
        return number

    def grows(self, count: int, salt: str = "") -> None:
        """Append records that nobody asks for."""
        for _ in range(count):
            self._append(f"filler.example/m v0.0.{self.size} h1:{salt}\n")

    def fork(self, size: int) -> Log:
        """A log with the same key and the first `size` records of this one."""
        other = Log(self.signers)
        other.texts = self.texts[:size]
        other._hashes = self._hashes[: stored_hash_count(size)]
        other._numbers = {name: number for name, number in self._numbers.items() if number < size}
        return other

    def head(self, size: int = -1) -> Head:
        size = self.size if size < 0 else size
        return Head(size, tree_hash(size, self.read))

    def note(self, size: int = -1) -> bytes:
        return sign_note(format_head(self.head(size)), self.signers)

    def lookup(self, name: str, size: int = -1) -> bytes:
        """The answer to a lookup, with the head of an older `size` if one is given."""
        if name not in self._numbers:
            raise Absent(asked=name, reason="is unknown to the database")
        number = self._numbers[name]
        return format_record(number, self.texts[number]) + self.note(size)

    def serve(self, name: str) -> bytes:
        """What an honest server delivers; every historic width of a tile."""
        if name.startswith("lookup/"):
            return self.lookup(name)
        tile = parse_tile(name)
        if (tile.number << tile.height) + tile.width > self.size >> (tile.height * tile.level):
            raise Absent(asked=name, reason="is not there yet")
        return tile_data(tile, self.read)

    def read(self, indexes: Sequence[int]) -> list[bytes]:
        return [self._hashes[index] for index in indexes]

    def _append(self, text: str) -> None:
        self._hashes += stored_hashes_for_record(self.size, record_hash(text.encode()), self.read)
        self.texts.append(text)


def verifiers(log: Log) -> list[Ed25519Verifier]:
    return [Ed25519Verifier(signer.verifier_key) for signer in log.signers if isinstance(signer, Ed25519Signer)]


Serve = Callable[[str], bytes]


def lying(serve: Serve, about: str, lie: Callable[[bytes], bytes]) -> Serve:
    """`serve`, with what has `about` in its name changed by `lie`."""
    return lambda name: lie(serve(name)) if about in name else serve(name)

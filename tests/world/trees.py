"""Merkle trees and signed notes, as the checksum database of the simulated world needs them (protocol.md §5.2, §5.3).

Written without modgate's own code, so that the two check each other. Belongs here: hashes of leaves, subtrees and
roots, and signing. Not here: records and their addresses (database.py).
"""

from __future__ import annotations

import base64
import hashlib
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM = b"\x01"
"""Ed25519 in keys of notes."""


class Tree:
    """An append-only tree that keeps the hash of every complete subtree."""

    def __init__(self) -> None:
        self._levels: list[list[bytes]] = [[]]

    def __len__(self) -> int:
        return len(self._levels[0])

    def append(self, leaf: bytes) -> None:
        """Add the record `leaf`."""
        self._levels[0].append(hashlib.sha256(b"\x00" + leaf).digest())
        level = 0
        while len(self._levels[level]) % 2 == 0:
            if level + 1 == len(self._levels):
                self._levels.append([])
            self._levels[level + 1].append(_node(*self._levels[level][-2:]))
            level += 1

    def hashes(self, level: int, first: int, count: int) -> list[bytes]:
        """Hashes of the complete subtrees `first` … of 2^level leaves; fewer than `count` where they do not exist."""
        return self._levels[level][first : first + count] if level < len(self._levels) else []

    def root(self, size: int) -> bytes:
        """The root when the tree had `size` leaves."""
        subtrees: list[bytes] = []
        start = 0
        for level in reversed(range(size.bit_length())):
            if size & (1 << level):
                subtrees.append(self._levels[level][start >> level])
                start += 1 << level
        if not subtrees:
            return hashlib.sha256(b"").digest()
        root = subtrees.pop()
        while subtrees:
            root = _node(subtrees.pop(), root)
        return root


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Signer:
    """Signs notes under one name with the key that `seed` (32 bytes) makes."""

    def __init__(self, name: str, seed: bytes) -> None:
        self.name = name
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        public = ALGORITHM + self._private.public_key().public_bytes_raw()
        self._id = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
        self.key = f"{name}+{self._id.hex()}+{base64.b64encode(public).decode()}"
        """The verifier key, as it stands in GOSUMDB."""

    def sign(self, text: str) -> str:
        """The signed note over `text`, which ends in a newline."""
        signature = self._id + self._private.sign(text.encode())
        return f"{text}\n\u2014 {self.name} {base64.b64encode(signature).decode()}\n"


def tree_text(size: int, root: bytes) -> str:
    """What a tree head says."""
    return f"go.sum database tree\n{size}\n{base64.b64encode(root).decode()}\n"


def tile_index(index: int) -> str:
    """How a tile's number is spelled: groups of three digits, `x001/x234/067`."""
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03d}")
    return "/".join(groups)


def seed_of(name: str) -> bytes:
    """A seed for tests that do not care which."""
    return struct.pack(">I", len(name)) + hashlib.sha256(name.encode()).digest()[:28]

"""The hashes of a log, and where each is stored (RFC 6962 §2.1; protocol.md §5.3).

Of a tree's nodes only the complete subtrees have hashes that never change. Node `n` of `level` covers the records
n·2^level … (n+1)·2^level - 1. Stored one after another, each as soon as its last record is there, they have the
indexes that are computed here: records and nodes of the log make one array that is only appended to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without records."""

ReadHashes = Callable[[Sequence[int]], Sequence[bytes]]
"""Gives the stored hashes of many indexes at once, in their order."""


def record_hash(text: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\x00" + text).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def subtree_hash(hashes: Sequence[bytes]) -> bytes:
    """The root of a complete subtree over `hashes`; their number is a power of two."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def stored_hash_count(size: int) -> int:
    """How many hashes are stored for a tree of `size` records: 2·size, less one for each incomplete subtree."""
    return 2 * size - size.bit_count()


def stored_hash_index(level: int, number: int) -> int:
    """Where the hash of node `number` of `level` is stored: so many above that of its last record."""
    last_record = ((number + 1) << level) - 1
    return stored_hash_count(last_record) + level


def split_stored_hash_index(index: int) -> tuple[int, int]:
    """The level and number of the node whose hash is stored at `index` ≥ 0."""
    last_record = index // 2
    while stored_hash_count(last_record + 1) <= index:
        last_record += 1
    level = index - stored_hash_count(last_record)
    return level, last_record >> level


def stored_hashes_for_record(number: int, leaf: bytes, read: ReadHashes) -> list[bytes]:
    """What is appended to the stored hashes with record `number`, whose own hash is `leaf`.

    `read` gives the hashes stored before it: those of the subtrees that it completes.
    """
    completed = (~number & (number + 1)).bit_length() - 1  # trailing ones of `number`
    left = read([stored_hash_index(level, (number >> level) - 1) for level in range(completed)])
    hashes = [leaf]
    for sibling in left:
        hashes.append(node_hash(sibling, hashes[-1]))
    return hashes

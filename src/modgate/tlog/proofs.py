"""Roots and proofs (RFC 6962 §2.1.1, §2.1.2): that a record is in a tree, that one tree is the beginning of another.

The making side reads stored hashes; the checking side believes nothing but two roots. Neither proof travels in the
protocol of checksum databases, whose clients compute everything from tiles (tiling.py, proven.py): proofs are evidence.
"""

from __future__ import annotations

from collections.abc import Sequence

from modgate.errors import Unproven
from modgate.tlog.hashes import EMPTY_ROOT, ReadHashes, node_hash, stored_hash_index

Range = tuple[int, int]
"""Records from the first number up to, not including, the second."""


def root_indexes(size: int) -> list[int]:
    """Where the hashes lie that make up the root of the first `size` records."""
    return _indexes((0, size))


def tree_hash(size: int, read: ReadHashes) -> bytes:
    """The root of the first `size` records."""
    return _range_hashes([(0, size)], read)[0] if size else EMPTY_ROOT


def prove_record(size: int, number: int, read: ReadHashes) -> list[bytes]:
    """The proof that record `number` is in the tree of `size` records.

    Raises:
        ValueError: there is no such record.
    """
    if not 0 <= number < size:
        raise ValueError(f"a tree of {size} records has no record {number}")
    return _range_hashes(_record_path(size, number), read)


def check_record(proof: Sequence[bytes], size: int, root: bytes, number: int, leaf: bytes) -> None:
    """Check that the record `number` of the tree has the hash `leaf`.

    Raises:
        Unproven: the proof does not show it.
    """
    path = _record_path(size, number) if 0 <= number < size else None
    if path is None or len(path) != len(proof):
        raise Unproven("record", f"the proof for record {number} of {size} has the wrong length")
    result = leaf
    for (_, end), sibling in zip(path, proof, strict=True):
        result = node_hash(sibling, result) if end <= number else node_hash(result, sibling)
    if result != root:
        raise Unproven("record", f"the proof for record {number} of {size} does not lead to the root")


def prove_tree(size: int, old_size: int, read: ReadHashes) -> list[bytes]:
    """The proof that the tree of `old_size` records is the beginning of that of `size`.

    Raises:
        ValueError: it cannot be, or the older one is empty.
    """
    if not 0 < old_size <= size:
        raise ValueError(f"a tree of {size} records does not begin with one of {old_size}")
    return _range_hashes(_tree_path(size, old_size), read)


def check_tree(proof: Sequence[bytes], size: int, root: bytes, old_size: int, old_root: bytes) -> None:
    """Check that the older tree is the beginning of the newer one.

    Raises:
        Unproven: the proof does not show it.
    """
    path = _tree_path(size, old_size) if 0 < old_size <= size else None
    if path is None or len(path) != len(proof):
        raise Unproven("tree", f"the proof from {old_size} to {size} has the wrong length")
    hashes = list(zip(path, proof, strict=True))
    # The older root is part of the proof, unless it is itself a complete subtree of the newer tree.
    old = new = old_root
    if hashes and hashes[0][0][1] == old_size and hashes[0][0][0] > 0:
        old = new = hashes.pop(0)[1]
    for (start, _), sibling in hashes:
        if start >= old_size:
            new = node_hash(new, sibling)
        else:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
    if (old, new) != (old_root, root):
        raise Unproven("tree", f"the proof from {old_size} to {size} does not lead to both roots")


def _record_path(size: int, number: int) -> list[Range]:
    """The siblings on the way from a record up to the root."""
    start, end = 0, size
    path: list[Range] = []
    while end - start > 1:
        middle = _middle(start, end)
        path.append((middle, end) if number < middle else (start, middle))
        start, end = (start, middle) if number < middle else (middle, end)
    return path[::-1]


def _tree_path(size: int, old_size: int) -> list[Range]:
    """The last subtree that both trees have, if it is not the older tree, and its siblings up to the root."""
    start, end = 0, size
    path: list[Range] = []
    while end != old_size:
        middle = _middle(start, end)
        path.append((middle, end) if old_size <= middle else (start, middle))
        start, end = (start, middle) if old_size <= middle else (middle, end)
    if start:
        path.append((start, end))
    return path[::-1]


def _middle(start: int, end: int) -> int:
    """Where RFC 6962 splits: the left side is the largest complete subtree that leaves something to the right."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def _indexes(records: Range) -> list[int]:
    """The complete subtrees that make up a range, from left to right, the largest first."""
    start, end = records
    indexes: list[int] = []
    while start < end:
        level = (end - start).bit_length() - 1
        indexes.append(stored_hash_index(level, start >> level))
        start += 1 << level
    return indexes


def _range_hashes(ranges: Sequence[Range], read: ReadHashes) -> list[bytes]:
    """The roots of ranges, none of them empty, with one reading."""
    indexes = [_indexes(records) for records in ranges]
    hashes = iter(read([index for some in indexes for index in some]))
    return [_folded([next(hashes) for _ in some]) for some in indexes]


def _folded(hashes: list[bytes]) -> bytes:
    result = hashes.pop()
    while hashes:
        result = node_hash(hashes.pop(), result)
    return result

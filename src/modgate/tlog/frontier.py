"""What is enough of a tree to append to it: the roots of the complete subtrees that make it up, 63 at most."""

from __future__ import annotations

from collections.abc import Sequence

from modgate.tlog.hashes import EMPTY_ROOT, node_hash
from modgate.tlog.tree import Head


class Frontier:
    """The right side of a growing tree."""

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """`hashes` are those at proofs.root_indexes(size).

        Raises:
            ValueError: there are more or fewer of them.
        """
        if len(hashes) != size.bit_count():
            raise ValueError(f"a tree of {size} records is made up of {size.bit_count()} subtrees, not {len(hashes)}")
        self.size = size
        self._subtrees = list(hashes)

    def append(self, leaf: bytes) -> list[bytes]:
        """Add a record with this hash; what is appended to the stored hashes."""
        hashes = [leaf]
        completed = self.size
        while completed & 1:
            hashes.append(node_hash(self._subtrees.pop(), hashes[-1]))
            completed >>= 1
        self._subtrees.append(hashes[-1])
        self.size += 1
        return hashes

    @property
    def head(self) -> Head:
        """The size and root of the tree as it is now."""
        if not self._subtrees:
            return Head(0, EMPTY_ROOT)
        *others, root = self._subtrees
        for subtree in reversed(others):
            root = node_hash(subtree, root)
        return Head(self.size, root)

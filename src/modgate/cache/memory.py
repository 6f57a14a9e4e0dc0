"""S3-FIFO: which of many small things stay in a bounded memory (Yang et al., SOSP 2023: FIFO queues are all you need).

Belongs here: the pure algorithm, weighted by bytes. Not here: what is kept, when it is out of date (serve/table.py).

New keys enter a small queue; those asked for again before they reach its end move to the main queue, the others leave a
trace in a ghost list, and a key with a trace enters the main queue directly. A scan (somebody lists every module once)
passes through the small queue and never touches what is asked for all the time. A hit is two dictionary look-ups and an
addition: nothing is moved, which is why it beats LRU where every microsecond counts.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

SMALL_SHARE = 10
"""The small queue's share is a tenth of the bytes: the paper's value, good over 6,594 traces."""
MOST_HITS = 3
"""A hit counter has two bits: what was asked for more often than that is simply hot."""
FEWEST_GHOSTS = 64
"""Traces kept in any case, so that a cache of a few large things learns too."""


class _Node(Generic[V]):
    __slots__ = ("hits", "value", "weight")

    def __init__(self, value: V, weight: int) -> None:
        self.value = value
        self.weight = weight
        self.hits = 0


class S3Fifo(Generic[K, V]):
    """A mapping that forgets; the sum of its weights never exceeds `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self._small_bytes = 0
        self._small: OrderedDict[K, _Node[V]] = OrderedDict()
        self._main: OrderedDict[K, _Node[V]] = OrderedDict()
        # Hashes rather than keys: a trace weighs the same however long its key is. Keys with one hash share a trace.
        self._ghosts: OrderedDict[int, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._small) + len(self._main)

    def get(self, key: K) -> V | None:
        """The value, if it is still here."""
        node = self._main.get(key) or self._small.get(key)
        if node is None:
            return None
        if node.hits < MOST_HITS:
            node.hits += 1
        return node.value

    def put(self, key: K, value: V, weight: int) -> bool:
        """Keep `value`, which costs `weight` bytes, and make room for it. False: it alone is larger than everything."""
        known = key in self._main or hash(key) in self._ghosts
        self._drop(key)
        if weight > self.max_bytes:
            return False
        while self.bytes + weight > self.max_bytes:
            self._evict()
        self._ghosts.pop(hash(key), None)
        self._insert(key, _Node(value, weight), main=known)
        return True

    def pop(self, key: K) -> V | None:
        """Forget the value but not that it was wanted: put again, it enters the main queue."""
        node = self._drop(key)
        if node is None:
            return None
        self._haunt(key)
        return node.value

    def clear(self) -> None:
        """Forget everything."""
        self._small.clear()
        self._main.clear()
        self._ghosts.clear()
        self.bytes = self._small_bytes = 0

    def _insert(self, key: K, node: _Node[V], *, main: bool) -> None:
        self.bytes += node.weight
        if main:
            self._main[key] = node
        else:
            self._small[key] = node
            self._small_bytes += node.weight

    def _drop(self, key: K) -> _Node[V] | None:
        node = self._main.pop(key, None)
        if node is None:
            node = self._small.pop(key, None)
            if node is None:
                return None
            self._small_bytes -= node.weight
        self.bytes -= node.weight
        return node

    def _evict(self) -> None:
        """One step towards more room: something moves to the main queue, gets another round there, or leaves."""
        if self._small and (not self._main or self._small_bytes * SMALL_SHARE > self.max_bytes):
            key, node = self._small.popitem(last=False)
            self._small_bytes -= node.weight
            if node.hits > 0:
                node.hits = 0
                self._main[key] = node
            else:
                self.bytes -= node.weight
                self._haunt(key)
            return
        key, node = self._main.popitem(last=False)
        if node.hits > 0:
            node.hits -= 1
            self._main[key] = node
        else:
            self.bytes -= node.weight

    def _haunt(self, key: K) -> None:
        self._ghosts[hash(key)] = None
        while len(self._ghosts) > max(FEWEST_GHOSTS, len(self)):
            self._ghosts.popitem(last=False)

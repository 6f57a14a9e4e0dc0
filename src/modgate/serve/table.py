"""The memory of ready responses, for the fast path: who asks, then what is asked, then bytes to send.

Belongs here: entries, when one may still be sent, and which stay (cache/memory.py decides that). Not here: the building
of heads (response.py), the sending (protocol.py).

An entry is sent only while three things hold: the slot it was built under has not moved, nothing that concerns
everybody has (slot 0), and its time has not run out. Correctness first: a look is three comparisons.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from modgate.cache.memory import S3Fifo
from modgate.observe.metrics import Counter, Histogram
from modgate.serve.openfiles import OpenFile
from modgate.source.base import Stored

LARGEST_BODY = 64 * 1024
"""Bytes. Nearly every .info, .mod and list is smaller; a larger body would fill a transport's buffer at once, and its
copying costs more than the ordinary path does."""
LARGEST_FILE = 512 * 1024
"""Bytes of a small file. What the socket does not take of it at once waits in the transport's buffer, so this bounds
what a client that does not read can cost."""
LONGEST_KEY = 1024
"""Bytes of a target that may become a key."""
OVERHEAD = 600
"""Bytes of one entry besides its texts: the objects around them and three dictionary places, measured."""
PRINCIPALS = 1024
"""Distinct (authorization, tenant) pairs that are remembered; a forgotten one is found again by the ordinary path."""
LONGEST_PRINCIPAL = 4 * 1024
"""Bytes of the two headers that are remembered: tokens have up to 2 KiB. Longer ones always go the ordinary path."""
EVERYTHING = 0
"""The generation slot for what changes every answer (storage/generations.py)."""

Principal = tuple[bytes, bytes]
"""The values of the Authorization and the tenant header."""
ANYBODY: Principal = (b"", b"")


@dataclass(frozen=True, slots=True)
class Tally:
    """The counters that one kind of response adds to."""

    requests: Counter
    sent: Counter
    seconds: Histogram


@dataclass(frozen=True, slots=True)
class Entry:
    """A response that is ready but for its request id, its date and the end of its head."""

    head: bytes
    body: bytes
    """b"" for one whose body is a file."""
    log: str
    """Its part of the access-log line (observe/access_log.py)."""
    tally: Tally
    stamp: tuple[int, int]
    """(slot, generation) that the answer was built under."""
    valid_until: float
    """Monotonic seconds: the wall clock may be set back."""
    file: OpenFile | None = None
    """A small zip, sent from the page cache; each time it is looked at whether it is still the one that was proven."""
    large: Stored | None = None
    """A large zip, opened each time: on its way it keeps its connection busy."""
    length: int = 0
    """Bytes of the body."""
    packed: Entry | None = None
    """The same in gzip, for clients that take that."""

    def weight(self, target: bytes) -> int:
        """Bytes that it costs to keep."""
        packed = self.packed.weight(b"") if self.packed is not None else 0
        return packed + len(target) + len(self.head) + len(self.body) + len(self.log) + OVERHEAD


class Table:
    """The ready responses of one view."""

    def __init__(self, generations: Sequence[int] | memoryview, max_bytes: int) -> None:
        """`generations[slot]` is a slot's generation now; `max_bytes` bounds the sum of the entries' weights."""
        self._generations = generations
        self._memory: S3Fifo[bytes, Entry] = S3Fifo(max_bytes)
        self._epoch: int = generations[EVERYTHING]

    @property
    def epoch(self) -> int:
        """What `keep` wants to be given: to be read before the answer is asked for."""
        return self._generations[EVERYTHING]

    @property
    def size(self) -> int:
        """Bytes, as `Entry.weight` counts them."""
        return self._memory.bytes

    def __len__(self) -> int:
        return len(self._memory)

    def find(self, target: bytes, now: float) -> Entry | None:
        """The entry of a raw target that may be sent at `now`, in monotonic seconds."""
        entry = self._memory.get(target)
        if entry is None:
            return None
        slot, generation = entry.stamp
        if self._generations[EVERYTHING] != self._epoch:
            self._epoch = self._generations[EVERYTHING]
            self._memory.clear()
            return None
        if self._generations[slot] != generation or now >= entry.valid_until:
            self._memory.pop(target)
            return None
        return entry

    def forget(self, target: bytes) -> None:
        """An entry turned out to be of no use."""
        self._memory.pop(target)

    def keep(self, target: bytes, entry: Entry, epoch: int) -> None:
        """Keep a response for the next asker, unless something that concerns everybody changed since `epoch` was."""
        if epoch != self._generations[EVERYTHING] or len(entry.body) > LARGEST_BODY or len(target) > LONGEST_KEY:
            return
        if epoch != self._epoch:
            self._memory.clear()
            self._epoch = epoch
        self._memory.put(target, entry, entry.weight(target))


class Principals:
    """Which table answers whom. Until access/ exists, whoever asks is nobody in particular."""

    def __init__(self, anonymous: Table) -> None:
        self.anonymous = anonymous
        self._tables: OrderedDict[Principal, Table] = OrderedDict()

    def table(self, principal: Principal) -> Table | None:
        """The table of a principal that the ordinary path has seen; None sends the request there."""
        return self.anonymous if principal == ANYBODY else self._tables.get(principal)

    def register(self, principal: Principal) -> Table:
        """What the ordinary path found out about a principal. The one registered longest ago is forgotten first."""
        if principal == ANYBODY or len(principal[0]) + len(principal[1]) > LONGEST_PRINCIPAL:
            return self.anonymous
        self._tables[principal] = self.anonymous
        self._tables.move_to_end(principal)
        if len(self._tables) > PRINCIPALS:
            self._tables.popitem(last=False)
        return self.anonymous

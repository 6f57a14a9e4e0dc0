"""Small immutable files, whoever gives them: fetched once, pinned by their content for ever, hashed at each look."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from modgate.cache.absence import Absences
from modgate.cache.changing import Obtained
from modgate.cache.flights import Flight, Flights
from modgate.cache.remembered import raise_remembered
from modgate.cache.stored import StoredFile
from modgate.errors import Absent, Corrupt, Mismatch
from modgate.observe import families
from modgate.observe.events import Events
from modgate.observe.metrics import Metrics
from modgate.source.base import Cached, Freshness, Terms
from modgate.storage.namespace import Namespace
from modgate.storage.records import ArtifactRow


@dataclass(frozen=True, slots=True)
class Item:
    """A small file: its name, and how it is come by and judged."""

    name: str
    """The key within the namespace, and its place in the tree."""
    label: str
    """As a person would write it."""
    kind: str
    """For the metrics."""
    topic: str
    """What its generation slot belongs to: the module path."""
    absent: float
    """Seconds for which absence is remembered."""
    obtain: Callable[[], Awaitable[Obtained]]
    """Asks outside; the bytes are well-formed. Raises GatewayError."""
    formed: Callable[[bytes], object]
    """Raises Corrupt for bytes that came into the tree from elsewhere and cannot be this file."""
    h1: Callable[[bytes], str]
    """What of the content never changes: its hash, or less where mirrors word the rest differently."""
    check: Callable[[ArtifactRow], Awaitable[str]]
    """Returns its evidence. Raises Corrupt or Unavailable; then nothing is committed."""
    stored: Callable[[], Awaitable[None]]
    """Awaited when it was fetched and before anybody gets it, so that nobody who has it sees a list without it."""
    holds: Callable[[str], bool] = lambda _: True
    """Whether a stored one with this evidence may be served."""
    outranks: Callable[[str, str], bool] = lambda _, __: False
    """Whether the first evidence takes the place of a pin with the second."""


@dataclass(frozen=True, slots=True)
class Small:
    """A proven small file."""

    data: bytes
    row: ArtifactRow
    cached: Cached = Cached.MISS
    """How whoever began the look came by it."""
    file: StoredFile | None = None
    """Where it lies, once it is in the tree."""


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A file in the tree that cannot be served as it is."""

    data: bytes
    inode: int
    pinned: bool
    """False: nothing is known of it, for example because it was copied into the tree. True: it is not what was
    committed."""


@dataclass(frozen=True, slots=True)
class Unverified:
    """A file in the tree that is what was committed, and lacks the evidence that it needs now."""

    small: Small
    inode: int


class SmallFiles:
    """The small immutable files of one namespace."""

    def __init__(
        self,
        store: Namespace,
        events: Events,
        metrics: Metrics,
        unexpected: Callable[[BaseException], None],
        *,
        most: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`most` is the largest of them in bytes, a longer one in the tree is damaged; `clock` gives seconds since the
        epoch.
        """
        self._store = store
        self._most = most
        self._events = events
        self._metrics = metrics
        self._clock = clock
        self._coalesced = metrics.counter(families.COALESCED)
        self._absences = Absences(clock)
        self._flights: Flights[str, Small] = Flights(unexpected)

    async def get(self, item: Item, terms: Terms) -> tuple[Small, Cached, tuple[int, int]]:
        """The file, how it was come by, and the stamp under which it may be kept in memory.

        Raises:
            GatewayError: it cannot be had.
        """
        stamp = self._store.stamp(item.topic)
        found = self._arriving(item) or self._look(item)
        if isinstance(found, Doubtful | Unverified) and terms.freshness is Freshness.CACHED_ONLY:
            async with self._store.hold(item.name):
                found = await self._settled(item)
        if isinstance(found, Small):
            return found, Cached.HIT, stamp
        raise_remembered(self._absences, item.name, item.label, terms, stamp)
        flight, joined = self._flights.join(item.name, lambda flight: self._fly(item, flight))
        if joined:
            self._coalesced.value += 1
        small = await flight.result(terms.deadline)
        return small, Cached.COALESCED if joined else small.cached, stamp

    def kept(self, name: str) -> bytes | None:
        """The file of this name, if it is here and what was committed."""
        read = self._store.tree.read(self._store.name, name, self._most)
        row = self._store.pin(name) if read is not None else None
        if read is None or row is None or hashlib.sha256(read[0]).hexdigest() != row.sha256:
            return None
        return read[0]

    def names(self, folder: str) -> list[str]:
        """What lies directly below a folder of the tree; nothing if it is not there."""
        return self._store.tree.names(self._store.name, folder)

    async def close(self, grace: float = 0.0) -> None:
        """Let fetches end within `grace` seconds and cancel the rest."""
        await self._flights.close(grace)

    def _arriving(self, item: Item) -> Small | None:
        """What others have been given already, or the gateway itself has used; it is still being made durable."""
        arriving = self._store.arriving(item.name)
        if arriving is None or not item.holds(arriving[0].evidence):
            return None
        row, data = arriving
        return Small(data, row)

    def _look(self, item: Item) -> Small | Unverified | Doubtful | None:
        """What the tree has. Hashed at each look (10 µs); ready responses in memory are not looked up."""
        read = self._store.tree.read(self._store.name, item.name, self._most)
        if read is None:
            return None
        data, identity = read
        row = self._store.pin(item.name)
        if row is not None and row.size == len(data) and row.sha256 == hashlib.sha256(data).hexdigest():
            small = Small(data, row, file=StoredFile(self._store.tree.path(self._store.name, item.name), identity))
            return small if item.holds(row.evidence) else Unverified(small, identity.inode)
        return Doubtful(data, identity.inode, row is not None)

    async def _fly(self, item: Item, flight: Flight[Small]) -> None:
        async with self._store.hold(item.name) as waited:
            found = await self._settled(item)
            if found is not None:
                # Another process was first, or the file had only to be pinned.
                flight.publish(replace(found, cached=Cached.COALESCED if waited else Cached.HIT))
                return
            small = await self._obtain(item)
            await item.stored()
            self._store.require_room(len(small.data))
            if self._absences.forget(item.name):
                self._store.changed(item.topic)  # what is told from memory now must not say that it does not exist
            flight.publish(small)
            await self._store.put_small(small.row, small.data)
            self._metrics.counter(families.COMMITS, item.kind).add()
            self._store.changed(item.topic)  # other processes may remember that it, or its module, does not exist

    async def _settled(self, item: Item) -> Small | None:
        """What the tree has; one that came into it from outside is pinned, one without evidence is verified, and a bad
        one is put out of the way."""
        found = self._look(item)
        if found is None or isinstance(found, Small):
            return found
        if isinstance(found, Unverified):
            return await self._admitted(item, found.small, found.inode)
        if not found.pinned:
            try:
                item.formed(found.data)
            except Corrupt:
                pass
            else:
                small = self._small(item, Obtained(found.data, "", "imported"))
                return await self._admitted(item, small, found.inode)
        self._events.emit("damaged_file", asked=item.label)
        self._store.quarantine(item.name, found.inode)
        return None

    async def _admitted(self, item: Item, small: Small, inode: int) -> Small | None:
        """A file of the tree with the evidence that it needs; one that is another than was recorded goes."""
        try:
            small = replace(small, row=replace(small.row, evidence=await item.check(small.row)))
        except Mismatch as error:
            self._events.emit("pin_replaced", asked=item.label, first=error.now, now=error.recorded)
            self._store.quarantine(item.name, inode)
            await self._store.unpin(small.row)
            self._store.changed(item.topic)
            return None
        await self._store.put_pin(small.row)
        return small

    async def _obtain(self, item: Item) -> Small:
        stamp = self._store.stamp(item.topic)
        try:
            small = self._small(item, await item.obtain())
            small = replace(small, row=replace(small.row, evidence=await item.check(small.row)))
            await self._same_as_before(item, small.row)
        except Absent as error:
            self._absences.put(item.name, error, item.absent, stamp)
            raise
        # What was corrupt is not remembered: asking for a small file again costs one request, and upstreams heal.
        return small

    def _small(self, item: Item, obtained: Obtained) -> Small:
        data = obtained.data
        digest = hashlib.sha256(data).hexdigest()
        row = ArtifactRow(self._store.name, item.name, len(data), digest, item.h1(data), obtained.source, self._clock())
        return Small(data, row)

    async def _same_as_before(self, item: Item, row: ArtifactRow) -> None:
        """The first content wins for ever, unless better evidence speaks for another one. Other words for the same are
        told and allowed."""
        pin = self._store.pin(item.name)
        if pin is None or pin.sha256 == row.sha256:
            return
        if pin.h1 != row.h1 and item.outranks(row.evidence, pin.evidence):
            self._events.emit("pin_replaced", asked=item.label, first=pin.h1, now=row.h1)
            await self._store.unpin(pin)
            return
        self._events.emit("different_content", asked=item.label, source=row.source, first=pin.sha256, now=row.sha256)
        if pin.h1 != row.h1:
            reason = f"sent other content than was first seen: {row.h1} now, {pin.h1} then"
            raise Corrupt(asked=item.label, source=row.source, reason=reason)

"""Module zips: large, immutable, streamed to whoever waits while they arrive."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from modgate.cache.absence import VERDICT_SECONDS, Absences
from modgate.cache.answers import Rules
from modgate.cache.artifacts import OnStored
from modgate.cache.checking import Checker
from modgate.cache.download import Download, Fetched
from modgate.cache.evidence import UNCHECKED, Check, Complete, Verifier, is_unverified
from modgate.cache.flights import Flight, Flights
from modgate.cache.following import Follower
from modgate.cache.pace import Pace
from modgate.cache.part import Budget
from modgate.cache.proof import Proofs
from modgate.cache.remembered import raise_remembered
from modgate.cache.spool import Spooled
from modgate.cache.stored import StoredFile
from modgate.errors import Absent, Corrupt, Fork, GatewayError, Mismatch, Trouble, Unavailable
from modgate.net.turns import Turns
from modgate.observe import families
from modgate.observe.events import Events
from modgate.observe.metrics import Metrics
from modgate.source.base import Answer, Ask, Cached, Freshness, Source, Terms
from modgate.storage.namespace import Namespace
from modgate.storage.records import ArtifactRow
from modgate.storage.tree import Identity


@dataclass(frozen=True, slots=True)
class Held:
    """A zip that can be answered: complete and proven, or growing."""

    body: StoredFile | Spooled
    row: ArtifactRow | None
    """None while it grows."""
    cached: Cached = Cached.MISS
    """How whoever began the look came by it."""


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A file in the tree that cannot be served as it is."""

    identity: Identity
    row: ArtifactRow | None
    """None: nothing is known of it, for example because it was copied into the tree."""


@dataclass(frozen=True, slots=True)
class Unverified:
    """A file in the tree that is what was committed, and lacks the evidence that it needs now."""

    held: Held


class Zips:
    """A source that keeps the zips of another one."""

    def __init__(
        self,
        source: Source,
        store: Namespace,
        *,
        rules: Callable[[str], Rules],
        checks: Sequence[Check],
        on_stored: OnStored,
        events: Events,
        metrics: Metrics,
        unexpected: Callable[[BaseException], None],
        checker: Checker,
        budget: Budget,
        most: int,
        downloads: Turns,
        verifier: Verifier = UNCHECKED,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`most` is the largest zip in bytes; `checker`, `budget` and `downloads`, the places of zips that arrive, are
        shared by all namespaces.
        """
        self._source = source
        self._store = store
        self._rules = rules
        self._checks = checks
        self._on_stored = on_stored
        self._events = events
        self._metrics = metrics
        self._checker = checker
        self._budget = budget
        self._pace = Pace()
        self._most = most
        self._verifier = verifier
        self._clock = clock
        self._downloads = downloads
        self._proofs = Proofs()
        self._absences = Absences(clock)
        self._coalesced = metrics.counter(families.COALESCED)
        self._flights: Flights[str, Held] = Flights(unexpected)
        self._sizings: Flights[str, Answer] = Flights(unexpected)

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def under_way(self) -> int:
        """How many zips are being fetched."""
        return len(self._flights)

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        rules = self._rules(ask.path)
        stamp = self._store.stamp(ask.path)
        found = await self._look(ask)
        if isinstance(found, Doubtful | Unverified) and terms.freshness is Freshness.CACHED_ONLY:
            async with self._store.hold(ask.name):
                found = await self._settled(ask)
        if isinstance(found, Held):
            return self._told(ask, found, rules, Cached.HIT, stamp)
        raise_remembered(self._absences, ask.name, str(ask), terms, stamp)
        if not terms.body and not isinstance(found, Unverified):
            sizing, joined = self._sizings.join(ask.name, lambda flight: self._size(ask, rules, flight))
            cached = Cached.COALESCED if joined else Cached.MISS
            return replace(await sizing.result(terms.deadline), cached=cached, private=rules.private)
        flight, joined = self._flights.join(ask.name, lambda flight: self._fly(ask, rules, flight))
        if joined:
            self._coalesced.value += 1
        held = await flight.result(terms.deadline)
        if joined and isinstance(held.body, Spooled) and held.body.failed is not None:
            # Its readers have been cut, and it is on its way to say why: whoever comes now is told that, or asks anew.
            await flight.over(terms.deadline)
            return await self.get(ask, terms)
        return self._told(ask, held, rules, Cached.COALESCED if joined else held.cached)

    async def close(self, grace: float = 0.0) -> None:
        """Let fetches end within `grace` seconds and cancel the rest."""
        await self._sizings.close()
        await self._flights.close(grace)

    async def _size(self, ask: Ask, rules: Rules, flight: Flight[Answer]) -> None:
        """For a HEAD: what the source says of it, without fetching it."""
        stamp = self._store.stamp(ask.path)
        try:
            flight.publish(await self._source.get(ask, Terms(body=False)))
        except Absent as error:
            self._remember(ask, rules, error, stamp)
            raise

    async def _look(self, ask: Ask) -> Held | Unverified | Doubtful | None:
        """What the tree has; a file that this process has not seen yet is hashed first."""
        identity = self._store.tree.identity(self._store.name, ask.name)
        if identity is None:
            return None
        row = self._store.pin(ask.name)
        if row is None or row.size != identity.size:
            return Doubtful(identity, row)
        path = self._store.tree.path(self._store.name, ask.name)
        proven = identity if self._proofs.holds(path, identity) else await self._proofs.prove(path, row.sha256)
        if proven is None:
            return Doubtful(identity, row)
        held = Held(StoredFile(path, proven), row)
        return held if self._verifier.holds(ask, row.evidence) else Unverified(held)

    async def _fly(self, ask: Ask, rules: Rules, flight: Flight[Held]) -> None:
        def begun(spooled: Spooled) -> None:
            flight.publish(Held(spooled, None, Cached.COALESCED))

        with closing(Follower(self._store, ask.name, self._pace, begun, flight.retract)) as follower:
            async with self._store.hold(ask.name, meanwhile=follower.look) as waited:
                found = await self._settled(ask)
                orphan = follower.ended(found.body.identity if found is not None else None)
                if found is not None:
                    flight.publish(replace(found, cached=Cached.COALESCED if waited else Cached.HIT))
                    return
                async with self._downloads.place():
                    await self._lead(ask, rules, flight, orphan)

    async def _settled(self, ask: Ask) -> Held | None:
        """What the tree has; one that came into it from outside is pinned, one without evidence is verified, and a bad
        one is put out of the way."""
        found = await self._look(ask)
        if found is None or isinstance(found, Held):
            return found
        if isinstance(found, Unverified):
            return await self._admitted(ask, found.held)
        path = self._store.tree.path(self._store.name, ask.name)
        if found.row is None and os.access(path, os.R_OK):
            job = await self._checker.begin(ask, path)
            try:
                sums = await job.finish(found.identity.size)
                row = self._row(ask, Fetched(sums, found.identity.size, "imported"))
                return await self._admitted(ask, Held(StoredFile(path, found.identity), row))
            except Corrupt as error:
                if isinstance(error, Fork):
                    raise
            finally:
                job.drop()
        self._events.emit("damaged_file", asked=str(ask))
        self._store.quarantine(ask.name, found.identity.inode)
        return None

    async def _admitted(self, ask: Ask, held: Held) -> Held | None:
        """A file of the tree with the evidence that it needs; one that is another than was recorded goes."""
        assert held.row is not None and isinstance(held.body, StoredFile)
        try:
            row = await self._checked(ask, held.row)
        except Mismatch as error:
            self._events.emit("pin_replaced", asked=str(ask), first=error.now, now=error.recorded)
            self._store.quarantine(ask.name, held.body.identity.inode)
            await self._store.unpin(held.row)
            self._store.changed(ask.path)
            return None
        await self._store.put_pin(row)
        self._proofs.put(held.body.path, held.body.identity)
        return replace(held, row=row)

    async def _lead(self, ask: Ask, rules: Rules, flight: Flight[Held], orphan: Spooled | None) -> None:
        """Download it, going on with the `orphan` that a dead leader left to its readers."""
        self._absences.forget(ask.name)
        stamp = self._store.stamp(ask.path)
        download = Download(
            ask,
            self._source,
            self._store,
            checker=self._checker,
            budget=self._budget,
            pace=self._pace,
            metrics=self._metrics,
            most=self._most,
            begun=lambda spooled: flight.publish(Held(spooled, None)),
            void=flight.retract,
            spooled=orphan,
        )
        try:
            await self._verifier.prepare(ask)
            row = await self._checked(ask, self._row(ask, await download.fetch()))
            await self._same_as_before(ask, row)
            await self._on_stored(ask)
            held = await self._commit(ask, row, download)
        except GatewayError as error:
            self._remember(ask, rules, error, stamp)
            download.fail(error)
            raise
        except OSError as error:
            unavailable = self._store.health.failed(error)
            download.fail(unavailable)
            raise unavailable from error
        except Exception:
            # A defect of ours, which the flight tells; whoever reads the growing file must not wait for ever.
            download.fail(Unavailable(asked=str(ask), reason="failed inside this gateway", trouble=Trouble.OURS))
            raise
        finally:
            download.close()
        flight.publish(held)
        self._store.changed(ask.path)  # other processes may remember that it, or its module, does not exist

    async def _commit(self, ask: Ask, row: ArtifactRow, download: Download) -> Held:
        """Durable bytes, durable row, rename: only then are the last bytes released."""
        assert download.part is not None and download.spooled is not None
        await download.durable()
        await self._store.put_file(row, download.part.path)
        self._metrics.counter(families.COMMITS, ask.kind).add()
        path = self._store.tree.path(self._store.name, ask.name)
        identity = download.spooled.identity
        self._proofs.put(path, identity)
        download.spooled.finish(row.size)
        return Held(StoredFile(path, identity), row)

    def _remember(self, ask: Ask, rules: Rules, error: GatewayError, stamp: tuple[int, int]) -> None:
        if isinstance(error, Fork):
            return  # says nothing about this zip, and an operator ends it
        if isinstance(error, Absent):
            self._absences.put(ask.name, error, rules.ages.absent(ask.kind), stamp)
        if isinstance(error, Corrupt):
            self._events.emit("corrupt_answer", asked=str(ask), source=error.source, reason=error.reason)
            self._absences.put(ask.name, error, VERDICT_SECONDS, stamp)

    def _row(self, ask: Ask, fetched: Fetched) -> ArtifactRow:
        sums = fetched.sums
        return ArtifactRow(
            self._store.name, ask.name, fetched.size, sums.sha256, sums.h1, fetched.source, self._clock()
        )

    async def _same_as_before(self, ask: Ask, row: ArtifactRow) -> None:
        """The first h1 wins for ever, unless better evidence speaks for another one."""
        pin = self._store.pin(ask.name)
        if pin is None or pin.h1 == row.h1:
            return
        if self._verifier.outranks(row.evidence, pin.evidence):
            self._events.emit("pin_replaced", asked=str(ask), first=pin.h1, now=row.h1)
            await self._store.unpin(pin)
            return
        self._events.emit("different_content", asked=str(ask), source=row.source, first=pin.h1, now=row.h1)
        reason = f"sent other content than was first seen: {row.h1} now, {pin.h1} then"
        raise Corrupt(asked=str(ask), source=row.source, reason=reason)

    async def _checked(self, ask: Ask, row: ArtifactRow) -> ArtifactRow:
        """With its evidence."""
        complete = Complete(ask, row.size, row.sha256, row.h1, row.source)
        for check in self._checks:
            await check(complete)
        return replace(row, evidence=await self._verifier.verify(complete))

    def _told(self, ask: Ask, held: Held, rules: Rules, cached: Cached, stamp: tuple[int, int] | None = None) -> Answer:
        row = held.row
        return Answer(
            ask,
            held.body,
            version=ask.version,
            digest=row.sha256 if row else "",
            fetched=row.stored if row else 0.0,
            source=row.source if row else self.name,
            cached=cached,
            private=rules.private,
            stamp=None if row is not None and is_unverified(row.evidence) else stamp,
        )

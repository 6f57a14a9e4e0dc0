"""Nothing unverified is kept: an artifact's h1 has to stand in a proven record of the checksum database.

Belongs here: which artifacts need a record, and what follows when it says something else or cannot be had. Not here:
how a record is proven (client.py), which rows and files change then (cache/).
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from modgate.cache.evidence import Complete, is_unverified
from modgate.cache.flights import Flight, Flights
from modgate.checksum.client import SumClient, Verified
from modgate.checksum.databases import TOOLCHAIN
from modgate.checksum.evidence import begins, evidence_of, excuse_of, is_verified
from modgate.checksum.standing import Standing
from modgate.errors import Absent, Corrupt, Fork, GatewayError, Mismatch, Trouble, Unavailable
from modgate.gomod import ModulePath
from modgate.observe import families
from modgate.observe.events import Events
from modgate.observe.metrics import Metrics
from modgate.source.base import Ask, Kind
from modgate.tlog.tile import Tile

RECENT = 1024
"""Records remembered, 1 KB each: the zip comes soon after its go.mod, and needs the same one."""
IN_DOUBT = 2.0
"""Seconds that a look-up may take while the database is known to be down, where artifacts are served without it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Which artifacts need a record."""

    exempt: Callable[[str], bool]
    """Whether a module path needs none: private ones. golang.org/toolchain always does."""
    lenient: bool
    """Whether artifacts are served unverified while the database is down; never golang.org/toolchain."""
    patience: float
    """Seconds for one look-up, with all that it needs."""


class Verifying:
    """Satisfies cache.evidence.Verifier with one database. It owns its look-ups: `close` ends them."""

    def __init__(
        self,
        database: str,
        client: Callable[[], SumClient],
        standing: Standing,
        rules: Rules,
        *,
        events: Events,
        metrics: Metrics,
        unexpected: Callable[[BaseException], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`client` makes a new one, which believes what is remembered on disk."""
        self._database = database
        self._make = client
        self._client: SumClient | None = None
        self._standing = standing
        self._decided = 0
        self._rules = rules
        self._events = events
        self._metrics = metrics
        self._clock = clock
        self._begins = begins(database)
        self._down = False
        self.excused = 0
        """How many artifacts were let through without proof."""
        self._recent: OrderedDict[tuple[str, str], Verified] = OrderedDict()
        self._flights: Flights[tuple[str, str], Verified] = Flights(unexpected)

    @property
    def is_down(self) -> bool:
        """Whether the last look-up failed."""
        return self._down

    @property
    def is_lenient(self) -> bool:
        """Whether there is anything to verify later."""
        return self._rules.lenient

    def needs(self, ask: Ask) -> bool:
        """Whether an artifact has to have a record."""
        if ask.kind is not Kind.MOD and ask.kind is not Kind.ZIP:
            return False
        return ask.path == TOOLCHAIN or not self._rules.exempt(ask.path)

    async def prepare(self, ask: Ask) -> None:
        if not self.needs(ask):
            return
        self._refuse_forked(str(ask))
        if not self._down:
            self._begin(ask.path, ask.version)
            return
        try:
            await self.lookup(ask.path, ask.version)
        except GatewayError as error:
            self._without(ask, error)

    def holds(self, ask: Ask, evidence: str) -> bool:
        if evidence.startswith(self._begins) or not self.needs(ask):
            return True
        return self._down and is_unverified(evidence) and self._may_pass(ask)

    async def verify(self, complete: Complete) -> str:
        ask = complete.ask
        if not self.needs(ask):
            return ""
        try:
            verified = await self.lookup(ask.path, ask.version)
        except GatewayError as error:
            excuse = self._without(ask, error)
            self._count("unverified")
            self.excused += 1
            return excuse
        recorded = verified.sums.get(ask.kind)
        if recorded is None:
            raise self._unrecorded(ask)
        if recorded != complete.h1:
            raise self._mismatch(complete, recorded)
        self._count("verified")
        return evidence_of(verified, self._database, self._clock())

    def outranks(self, evidence: str, other: str) -> bool:
        return evidence.startswith(self._begins) and not is_verified(other)

    async def close(self, grace: float = 0.0) -> None:
        """Let what is under way end within `grace` seconds and cancel the rest."""
        await self._flights.close(grace)
        if self._client is not None:
            await self._client.close(grace)

    async def lookup(self, path: ModulePath, version: str) -> Verified:
        """The proven record of a module.

        Raises:
            Absent: the database has no such record.
            Fork, Corrupt, Unavailable, Forbidden: it cannot be had.
        """
        self._refuse_forked(f"{path}@{version}")
        flight = self._begin(path, version)
        if flight is None:
            return self._recent[path, version]
        return await flight.result(float("inf"))  # the flight has its own end

    async def tile(self, tile: Tile) -> bytes | None:
        """The content of a tile for who relays it, proven; None where that cannot be told now.

        Raises:
            Corrupt: every way to the database sends what cannot be it.
        """
        try:
            if self._standing.state.fork:
                return None
            return await (await self._current()).tile(tile)
        except Fork as error:
            await self._forked(error)
        except Corrupt:
            raise
        except (GatewayError, OSError):
            pass  # whoever relays it finds out, and clients verify what they get
        return None

    def _begin(self, path: ModulePath, version: str) -> Flight[Verified] | None:
        """A look-up that is under way; None if its record is known."""
        if (path, version) in self._recent:
            return None
        return self._flights.join((path, version), lambda flight: self._fly(path, version, flight))[0]

    async def _fly(self, path: ModulePath, version: str, flight: Flight[Verified]) -> None:
        client = await self._current()
        patience = IN_DOUBT if self._down and self._rules.lenient else self._rules.patience
        deadline = asyncio.get_running_loop().time() + patience
        try:
            verified = await client.lookup(path, version, deadline)
        except Fork as error:
            await self._forked(error)
            raise
        except Absent:
            self._is_up(up=True)
            raise
        except GatewayError as error:
            self._is_up(up=False, reason=error.reason)
            raise
        self._is_up(up=True)
        self._recent[path, version] = verified
        if len(self._recent) > RECENT:
            self._recent.popitem(last=False)
        flight.publish(verified)

    async def _forked(self, fork: Fork) -> None:
        try:
            known = self._standing.state.fork
            folder = await asyncio.to_thread(self._standing.record, fork)
        except OSError as error:
            # Whoever asks is refused all the same, and the next one who meets it tries again.
            known, folder = "", f"cannot be kept ({error.strerror or error})"
        if not known:
            self._events.emit("checksum_fork", database=self._database, reason=fork.reason, evidence=folder)

    async def _current(self) -> SumClient:
        """The client; a new one since an operator has decided on a fork: the old one remembers the other history."""
        decided = self._standing.state.decided
        if self._client is not None and decided != self._decided:
            old, self._client = self._client, None
            self._recent.clear()
            await old.close()
        if self._client is None:
            self._client, self._decided = self._make(), decided
        return self._client

    def _refuse_forked(self, asked: str) -> None:
        try:
            fork = self._standing.state.fork
        except OSError as error:
            reason = "cannot be asked, for what is held against it cannot be read from the store"
            raise Unavailable(asked=asked, source=self._database, reason=reason, trouble=Trouble.OURS) from error
        if fork:
            reason = "has signed two histories: nothing new is verified with it until an operator decides"
            raise Fork(asked=asked, source=self._database, reason=reason)

    def _is_up(self, *, up: bool, reason: str = "") -> None:
        """Events tell of changes only."""
        if up and self._down:
            self._events.emit("checksum_available", database=self._database)
        if not up and not self._down:
            self._events.emit("checksum_unavailable", database=self._database, reason=reason)
        self._down = not up

    def _may_pass(self, ask: Ask) -> bool:
        return self._rules.lenient and ask.path != TOOLCHAIN

    def _without(self, ask: Ask, error: GatewayError) -> str:
        """The evidence of what is let through although there is no record.

        Raises:
            Fork: the database is not believed any more.
            Unavailable: it is not let through.
        """
        match error:
            case Fork():
                raise Fork(asked=str(ask), source=self._database, reason=error.reason)
            case Absent():
                raise self._unrecorded(ask) from error
            case Unavailable() if self._may_pass(ask):
                return excuse_of(self._database, error.reason, self._clock())
        trouble = error.trouble if isinstance(error, Unavailable) else Trouble.ANSWER
        reason = f"is not verified: for its checksum record, {error.source or 'the gateway'} {error.reason}"
        raise Unavailable(asked=str(ask), source=self._database, reason=reason, trouble=trouble) from error

    def _unrecorded(self, ask: Ask) -> Unavailable:
        reason = "has no record of it; a private module belongs into the setting private or no_checksum"
        return Unavailable(asked=str(ask), source=self._database, reason=reason, trouble=Trouble.ANSWER)

    def _count(self, verdict: str) -> None:
        self._metrics.counter(families.VERIFICATIONS, verdict).add()

    def _mismatch(self, complete: Complete, recorded: str) -> Mismatch:
        self._count("mismatch")
        self._events.emit(
            "checksum_mismatch",
            asked=str(complete.ask),
            source=complete.source,
            now=complete.h1,
            recorded=recorded,
        )
        reason = f"sent {complete.h1}, but {self._database} has {recorded}"
        return Mismatch(
            asked=str(complete.ask), source=complete.source, reason=reason, now=complete.h1, recorded=recorded
        )

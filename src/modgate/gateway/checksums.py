"""What commands do with the checksum database of a data directory, beside a running gateway or without one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from typing import Any, TypeVar

from modgate.cache.evidence import UNVERIFIED
from modgate.checksum.claim import open_head
from modgate.checksum.client import SumClient, Verified
from modgate.checksum.databases import TOOLCHAIN
from modgate.checksum.evidence import Evidence, Excuse, read_evidence
from modgate.checksum.kept import NoWays, Reach, Remembered, Unremembered, head_cell
from modgate.checksum.ownview import shown
from modgate.checksum.standing import Standing, State, Trust
from modgate.errors import Fork, GatewayError, Malformed, ModgateError, SetupError, Unproven
from modgate.gateway.hosts import Outward
from modgate.gateway.telling import Telling, telling
from modgate.gateway.upstreams import Upstreams
from modgate.gateway.verifying import spec_of, sum_client
from modgate.gomod import ModulePath
from modgate.gomod.gosumdb import DatabaseSpec
from modgate.gomod.wanted import Wanted
from modgate.settings.loaded import Loaded
from modgate.settings.routing import PUBLIC
from modgate.source.base import Ask, Kind
from modgate.storage.log import SqliteLog
from modgate.storage.namespace import Namespace
from modgate.storage.records import ArtifactRow
from modgate.storage.store import Store, open_store
from modgate.storage.tree import Tree
from modgate.tlog.ed25519 import Ed25519Verifier
from modgate.tlog.keys import parse_verifier_key
from modgate.tlog.tree import Head

T = TypeVar("T")

AT_ONCE = 16
"""Look-ups under way at once: what one host is asked for without harm."""


@dataclass(frozen=True, slots=True)
class Standings:
    """What is known of a checksum database."""

    name: str
    head: Head | None
    """The newest that was seen; None before the first look-up."""
    state: State
    unverified: int
    """Artifacts that were served without proof and wait for one."""


@dataclass(frozen=True, slots=True)
class Link:
    """What is known of one stored file."""

    kind: Kind
    row: ArtifactRow
    evidence: Evidence | Excuse | None


@dataclass(frozen=True, slots=True)
class Chain:
    """The evidence for one module."""

    database: str
    """"" where nothing is verified, or nothing of this module."""
    links: Sequence[Link]
    record: Verified | None
    """The record, proven once more from what is kept here."""
    why_not: str
    """Why there is none."""
    needs_record: bool = True
    """False for a private module: the first content is the right one."""
    own: Mapping[str, Any] | None = None
    """What our own log has recorded (ownview.shown)."""


class Desk:
    """A data directory that is open for a command."""

    def __init__(self, loaded: Loaded, store: Store, told: Telling, stack: AsyncExitStack) -> None:
        self.store = store
        self.telling = told
        self._loaded = loaded
        self._stack = stack

    def namespace(self, path: str) -> Namespace:
        """Where a module is stored."""
        return self._namespace(self._loaded.meaning.route(path).namespace)

    def _namespace(self, name: str) -> Namespace:
        return self.store.namespace(name, Tree(self.store.layout.modules, self.store.layout.quarantine))

    @property
    def spec(self) -> DatabaseSpec:
        """The database of `checksum`.

        Raises:
            SetupError: it is off.
        """
        spec = spec_of(self._loaded)
        if spec is None:
            raise SetupError("checksum", "is off", "name the database that the gateway verifies with")
        return spec

    def status(self) -> Standings:
        """Raises SetupError: the database is off, or what is remembered of it cannot be verified with its key."""
        spec = self.spec
        try:
            head = self._known(spec)
        except (Malformed, Unproven) as error:
            problem = f"the head that is remembered for {spec.name} is not signed with its key ({error.why})"
            remedy = "give the key that it was signed with, or if there is a new one: modgate checksum accept --new-key"
            raise SetupError("checksum", problem, remedy) from error
        unverified = len(self._namespace(PUBLIC).artifacts_with(UNVERIFIED))
        return Standings(spec.name, head, self._standing(spec).state, unverified)

    def accept(self, trust: Trust) -> bool:
        """Decide on a fork; False if there is none."""
        return self._standing(self.spec).accept(trust)

    def accept_key(self) -> str:
        """The database has another key, that of the settings: forget the head that this one has not signed. The file
        where that is kept; "" if there is none.
        """
        try:
            self._known(self.spec)
        except (Malformed, Unproven):
            return self._standing(self.spec).begin_anew()
        return ""

    def _known(self, spec: DatabaseSpec) -> Head | None:
        """The head that is remembered. Raises Malformed, Unproven: the database's key has not signed it."""
        note = self.store.cells.get(head_cell(spec.name))
        return None if note is None else open_head(note, [Ed25519Verifier(parse_verifier_key(spec.key))]).head

    async def why(self, path: ModulePath, version: str) -> Chain:
        """The evidence for a stored module, without asking anybody."""
        namespace = self.namespace(path)
        asks = (Ask(kind, path, version) for kind in (Kind.INFO, Kind.MOD, Kind.ZIP))
        rows = [(ask.kind, namespace.pin(ask.name)) for ask in asks]
        links = [Link(kind, row, read_evidence(row.evidence)) for kind, row in rows if row is not None]
        spec, own = spec_of(self._loaded), await self.own(path, version)
        if not self.is_public(path):
            return Chain("", links, None, "it is exempt (private, no_checksum)", needs_record=False, own=own)
        if spec is None:
            return Chain("", links, None, "no checksum database is set", own=own)
        try:
            return Chain(spec.name, links, await self._client(NoWays(spec.name)).lookup(path, version), "", own=own)
        except GatewayError as error:
            return Chain(spec.name, links, None, error.reason, own=own)

    async def own(self, path: ModulePath, version: str) -> Mapping[str, Any] | None:
        """What our own log has recorded of a module; None if nothing."""
        name = self._loaded.settings.own_database.name
        if not name or not self.store.layout.own_log(name).exists():
            return None
        with closing(SqliteLog(self.store.layout.own_log(name))) as rows:
            return await shown(rows, path, version)

    async def preload(self, modules: Sequence[Wanted], told: Callable[[Wanted, ModgateError | None], None]) -> None:
        """Fetch and verify the records of `modules`, and see that they can be verified again with what is kept then.
        `told` hears once how each went. Private ones are left out.
        """
        sums = self._outward()
        public = [one for one in modules if self.is_public(one.path)]
        kept = await _each(public, lambda one: self._recorded(_agreeing(one, sums)), told)
        await sums.close(grace=self._loaded.settings.deadlines.small_total)  # what was proven is being kept
        # A full disk, or who removes files beside us, would else be noticed where nobody can fetch anything.
        alone = self._client(NoWays(self.spec.name), Unremembered())
        for one in await _each(kept, lambda one: _agreeing(one, alone), told):
            told(one, None)

    async def record(self, path: ModulePath, version: str) -> Verified:
        """The proven record of a public module, asked for where it is not kept.

        Raises:
            SetupError: the database is off.
            GatewayError: it cannot be had.
        """
        return await self._recorded(self._outward().lookup(path, version))

    def is_public(self, path: str) -> bool:
        """Whether the checksum database may be asked about a module."""
        return path == TOOLCHAIN or not self._loaded.meaning.is_exempt(path)

    async def _recorded(self, ask: Awaitable[T]) -> T:
        """The outcome of `ask`; a fork that it meets is kept as evidence, whoever met it."""
        try:
            return await ask
        except Fork as fork:
            standing, name = self._standing(self.spec), self.spec.name
            if not standing.state.fork:
                folder = standing.record(fork)
                self.telling.events.emit("checksum_fork", database=name, reason=fork.reason, evidence=folder)
            raise

    def _outward(self) -> SumClient:
        """A client that asks."""
        client = Outward(self._stack, self._loaded, self.telling.metrics, self.store.identity).client()
        upstreams = Upstreams(self._loaded, client, self.telling)
        try:
            chain = upstreams.chain(self._loaded.meaning.chain)
        except SetupError:
            chain = []  # only `direct`, which relays no database
        return self._client(upstreams.ways(self.spec, chain))

    def _client(self, reach: Reach, remembered: Remembered | None = None) -> SumClient:
        client = sum_client(self.spec, reach, self._loaded, self.store, self.telling, remembered)
        self._stack.push_async_callback(client.close)
        return client

    def _standing(self, spec: DatabaseSpec) -> Standing:
        return Standing(spec.name, self.store.cells, self.store.layout.root)


@asynccontextmanager
async def desk(loaded: Loaded, *, may_be_new: bool = False) -> AsyncIterator[Desk]:
    """Open the data directory of the settings.

    Raises:
        SetupError: it cannot be used, or there is none yet.
    """
    data = loaded.settings.data
    if not may_be_new and not (data / "records.db").exists():
        raise SetupError("data", f"{data} is no data directory of modgate", "name the one that the gateway has")
    told = telling(loaded.settings)
    async with AsyncExitStack() as stack:
        yield Desk(loaded, open_store(stack, data, told.events), told, stack)


async def _each(
    modules: Sequence[Wanted],
    ask: Callable[[Wanted], Awaitable[None]],
    told: Callable[[Wanted, ModgateError], None],
) -> list[Wanted]:
    """Some at a time; those that `ask` raised nothing for, and `told` hears of the others."""
    places, done = asyncio.Semaphore(AT_ONCE), list[Wanted]()

    async def one(wanted: Wanted) -> None:
        async with places:
            try:
                await ask(wanted)
            except ModgateError as error:
                told(wanted, error)
            else:
                done.append(wanted)

    async with asyncio.TaskGroup() as group:
        for wanted in modules:
            group.create_task(one(wanted))
    return done


async def _agreeing(wanted: Wanted, client: SumClient) -> None:
    """Raises GatewayError: there is no record that can be proven. Unproven: it has other sums than the list."""
    verified = await client.lookup(wanted.path, wanted.version)
    for kind, h1 in wanted.sums.items():
        recorded = verified.sums.get(kind, "nothing")
        if recorded != h1:
            raise Unproven("sum", f"the list has {h1} of its {kind}, the record {recorded}")

"""Our own checksum database: its log, keys and witness, and what it is audited against.

    OwnDatabase( OwnLog( SqliteLog, keys, witness ), private = StoreSums( the cache ), public = PublicSums( verified ) )

Every serving process has one on the same file; whoever holds the turn appends, the others follow.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from typing import Any

from modgate.checksum.audit import Audit, Compare, audit
from modgate.checksum.claim import sums_in
from modgate.checksum.log import OwnLog
from modgate.checksum.own import OwnDatabase
from modgate.checksum.ownkeys import KeyPlace, key_place, make_key, read_keys
from modgate.checksum.ownsums import PublicSums, StoreSums
from modgate.checksum.ownview import shown
from modgate.checksum.watched import Watched
from modgate.checksum.webwitness import WebWitness
from modgate.errors import Corrupt, SetupError, Unavailable
from modgate.gateway.telling import Telling
from modgate.gateway.verifying import Believed
from modgate.gomod import ModulePath
from modgate.net.client import Client
from modgate.serve.checksums import CHECKSUMS, checksums_page
from modgate.serve.health import Page
from modgate.settings.loaded import Loaded
from modgate.settings.meaning import Meaning
from modgate.settings.model import Settings
from modgate.source.base import Ask, Kind, Source
from modgate.source.blocking import Blocking, Stuck
from modgate.storage.layout import Layout
from modgate.storage.log import SqliteLog
from modgate.storage.namespace import Namespace
from modgate.storage.records import Records
from modgate.storage.sqlite import SqliteRecords
from modgate.storage.store import Store
from modgate.storage.tree import Tree
from modgate.storage.witness import SECONDS, Call, FileWitness
from modgate.tlog.ed25519 import Ed25519Verifier

TURN_SECONDS = 5.0
"""A thousand records are written in less than one."""
RESTORE = "bring back the newest copy of the log, or begin another one under another name (docs/runbooks/own-log.md)"


def keys_of(settings: Settings) -> KeyPlace:
    """Where the private keys are."""
    return key_place(settings.own_database.key, settings.data / "checksum.key")


def new_key(loaded: Loaded, *, another: bool) -> list[str]:
    """The verifier keys of our own database, the newest last; one is made where there is none, or `another` is wanted.

    Raises:
        SetupError: it cannot be made, or the database has no name.
    """
    name = _name(loaded)
    made = make_key(keys_of(loaded.settings), name, os.environ, another=another)
    return [str(signer.verifier_key) for signer in made]


def own_rows(stack: AsyncExitStack, settings: Settings, store: Store) -> SqliteLog:
    """The file of the log; our own database has a name.

    Raises:
        SetupError: it cannot be opened.
    """
    return stack.enter_context(closing(SqliteLog(store.layout.own_log(settings.own_database.name))))


async def own_database(
    stack: AsyncExitStack,
    loaded: Loaded,
    store: Store,
    telling: Telling,
    rows: SqliteLog,
    *,
    source: Source,
    public: Believed | None,
    client: Client,
) -> OwnDatabase:
    """The one of these settings, on its `rows`, with everything published that it has.

    Raises:
        SetupError: there is no key, or the log is not what it was.
    """
    settings, meaning, name = loaded.settings, loaded.meaning, loaded.settings.own_database.name
    signers = read_keys(keys_of(settings), name, os.environ)
    namespace = store.namespace(f"sumdb/{name}", Tree(store.layout.root, store.layout.quarantine))
    log = OwnLog(
        name,
        rows,
        signers,
        [Ed25519Verifier(signer.verifier_key) for signer in signers],
        _witness(loaded, namespace, client, telling),
        turn=lambda: _turn(namespace, "turn"),
    )
    await _started(log)
    tree = Tree(store.layout.modules, store.layout.quarantine)

    def kept(path: ModulePath) -> Namespace | None:
        route = meaning.route(path)
        return None if route.forward_token else store.namespace(route.namespace, tree)

    made = OwnDatabase(
        log,
        private=StoreSums(source, kept),
        public=PublicSums(public.spec.name, public.verifying.lookup) if public is not None else None,
        # What the public database is not asked for is recorded as it was first seen here.
        is_private=meaning.is_exempt,
        stamp=namespace.stamp,
        events=telling.events,
        unexpected=telling.unexpected,
    )
    stack.push_async_callback(made.close)
    return made


def checksum_pages(stack: AsyncExitStack, loaded: Loaded) -> dict[str, Callable[[str], Awaitable[Page]]]:
    """The admin port's pages about the log, which is opened when one is asked for; none where there is no log."""
    name, opened = loaded.settings.own_database.name, list[SqliteLog]()

    async def find(path: str, version: str) -> Mapping[str, Any] | None:
        if not opened:
            opened.append(SqliteLog(Layout(loaded.settings.data).own_log(name)))
            stack.callback(opened[0].close)
        return await shown(opened[0], path, version)

    return {CHECKSUMS: lambda rest: checksums_page(find, rest)} if name else {}


async def audited(loaded: Loaded, progress: Callable[[int, int], None]) -> Audit:
    """Read the whole log and compare it with the stored files; a gateway may go on writing it meanwhile. `progress` is
    told how many records have been read, and of how many.

    Raises:
        SetupError: there is no log, or no key.
        Unavailable: it cannot be read.
    """
    name, layout = _name(loaded), Layout(loaded.settings.data)
    signers = read_keys(keys_of(loaded.settings), name, os.environ)
    if not layout.own_log(name).exists():
        raise SetupError("own_database.name", f"there is no log of {name} yet", "start the gateway first")
    with closing(SqliteLog(layout.own_log(name))) as rows, closing(SqliteRecords(layout.records)) as records:
        size = await rows.size()
        compare = _comparing(rows, records, loaded.meaning, lambda number: progress(number + 1, size))
        return await audit(rows, [Ed25519Verifier(signer.verifier_key) for signer in signers], compare)


def _comparing(rows: SqliteLog, records: Records, meaning: Meaning, read: Callable[[int], None]) -> Compare:
    """Compares a record with what the store has of its module; what it does not have says nothing."""

    async def compare(number: int, text: str) -> str:
        read(number)
        path, _, rest = text.partition(" ")
        version = rest.partition(" ")[0].removesuffix("/go.mod")
        if await rows.number(f"{path}@{version}") != number:
            return f"{path}@{version} leads to another record"
        for kind, h1 in sums_in(text, path, version).items():
            # The record came from a lookup, whose path and version were checked.
            row = records.artifact(meaning.route(path).namespace, Ask(Kind(kind), ModulePath(path), version).name)
            if row is not None and row.h1 != h1:
                return f"{path}@{version} {kind}: the log has {h1}, the store {row.h1} from {row.source or 'nowhere'}"
        return ""

    return compare


def _witness(loaded: Loaded, namespace: Namespace, client: Client, telling: Telling) -> Watched | None:
    place = loaded.meaning.own_witness
    if place is None:
        return None
    if place.file is None:
        return Watched(WebWitness(place.url, client, lambda: _turn(namespace, "witness")), telling.events)
    return Watched(FileWitness(place.file, call=patient()), telling.events)


def patient(seconds: float = SECONDS) -> Call:
    """One call at a time, which holds up neither the gateway nor its end where other storage hangs."""
    blocking = Blocking(seconds, most=1)

    async def call(what: Callable[[], Any]) -> Any:
        try:
            return await blocking.call(what)
        except Stuck as error:
            raise TimeoutError(str(error)) from error

    return call


@asynccontextmanager
async def _turn(namespace: Namespace, name: str) -> AsyncIterator[None]:
    """The log stays true without turns: a process that was stopped with the turn in its hand holds up nobody for long.

    Raises:
        Unavailable: the store cannot be written.
    """
    async with AsyncExitStack() as held:
        with suppress(TimeoutError):
            async with asyncio.timeout(TURN_SECONDS):
                await held.enter_async_context(namespace.hold(name))
        yield


async def _started(log: OwnLog) -> None:
    try:
        await log.start()
    except Corrupt as error:
        raise SetupError("own_database", f"the log {error.reason}", RESTORE) from error
    except Unavailable as error:
        raise SetupError("own_database", error.reason, "make it readable and writable for modgate") from error


def _name(loaded: Loaded) -> str:
    name = loaded.settings.own_database.name
    if not name:
        raise SetupError("own_database.name", "is not set", "give one, such as sum.corp.example")
    return name

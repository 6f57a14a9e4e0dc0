"""The verifying client of the checksum database that `checksum` names, and what it is for: nothing public is kept that
it does not know.

    Verifying( SumClient( KeptOps( Ways( the upstream chain, the database ), files of the pass-through, cells ) ) )

The files are those of the pass-through, so that whatever a client has had relayed is there already, and a lookup that
was made for a check is a hit for the client that asks next. The head and the standing are cells, shared by all workers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from modgate.cache.evidence import UNVERIFIED
from modgate.checksum.client import SumClient
from modgate.checksum.kept import KeptOps, Reach, Remembered
from modgate.checksum.standing import Standing
from modgate.checksum.verifying import Rules, Verifying
from modgate.errors import GatewayError, Malformed
from modgate.gateway.telling import Telling
from modgate.gateway.upstreams import Upstream, Upstreams
from modgate.gomod.gosumdb import DatabaseSpec
from modgate.observe import families
from modgate.serve.target import parse_ask
from modgate.settings.loaded import Loaded
from modgate.settings.routing import PUBLIC
from modgate.source.base import Freshness, Source, Terms
from modgate.storage.store import Store
from modgate.storage.tree import Tree
from modgate.tlog.ed25519 import Ed25519Verifier
from modgate.tlog.keys import parse_verifier_key

LOOK_AGAIN = 5.0
"""Seconds between two looks at what was served unverified, while the database is down."""


@dataclass(frozen=True, slots=True)
class Believed:
    """A checksum database and its standing."""

    spec: DatabaseSpec
    verifying: Verifying
    standing: Standing


def believed(
    stack: AsyncExitStack, loaded: Loaded, chain: Sequence[Upstream], reach: Upstreams, store: Store, telling: Telling
) -> Believed | None:
    """The database of `checksum`; None where it is off."""
    spec, metrics, skip = spec_of(loaded), telling.metrics, loaded.skip_checksum
    metrics.read(families.CHECKSUM_SKIPPED, lambda: float(skip))
    if spec is None:
        return None
    ways, standing = reach.ways(spec, chain), Standing(spec.name, store.cells, store.layout.root)
    meaning = loaded.meaning
    verifying = Verifying(
        spec.name,
        lambda: sum_client(spec, ways, loaded, store, telling),
        standing,
        Rules(
            # What a route exempts never comes here (gateway/parts.py).
            exempt=lambda path: skip or meaning.no_checksum.match(path),
            lenient=loaded.settings.on_checksum_unavailable == "serve-unverified",
            patience=loaded.settings.deadlines.small_total,
        ),
        events=telling.events,
        metrics=metrics,
        unexpected=telling.unexpected,
    )
    stack.push_async_callback(verifying.close)
    metrics.read(families.DATABASE_UP, lambda: float(not verifying.is_down), spec.name)
    metrics.read(families.DATABASE_FORKED, lambda: float(standing.is_forked), spec.name)
    return Believed(spec, verifying, standing)


def spec_of(loaded: Loaded) -> DatabaseSpec | None:
    """The database of `checksum`, with the URL that `checksum_database` may add."""
    spec = loaded.meaning.checksum
    if spec is None:
        return None
    return next((one for one in loaded.meaning.databases if one.name == spec.name), spec)


def sum_client(
    spec: DatabaseSpec,
    reach: Reach,
    loaded: Loaded,
    store: Store,
    telling: Telling,
    remembered: Remembered | None = None,
) -> SumClient:
    """A client that believes what is remembered in the store, or in another place."""
    namespace = store.namespace(f"sumdb/{spec.name}", Tree(store.layout.root, store.layout.quarantine))
    most, elsewhere = loaded.settings.limits.database, loaded.sumdb_dir
    cells = remembered or store.cells
    ops = KeptOps(spec.name, reach, namespace, cells, telling.events, most=most, elsewhere=elsewhere)
    verifier = Ed25519Verifier(parse_verifier_key(spec.key))
    return SumClient(spec.name, [verifier], ops, telling.unexpected)


async def verify_later(source: Source, store: Store, verifying: Verifying) -> None:
    """Verify what was served unverified, once the database is back; for ever.

    A look at it is enough: the cache lets nothing through that could be verified and was not.
    """
    namespace = store.namespace(PUBLIC, Tree(store.layout.modules, store.layout.quarantine))
    known, seen = -1, list[str]()
    while True:
        if verifying.excused != known:
            known = verifying.excused
            rows = await asyncio.to_thread(namespace.artifacts_with, UNVERIFIED)
            seen = [row.name for row in rows]
        while seen and await _is_settled(source, verifying, seen[-1]):
            seen.pop()
        await asyncio.sleep(LOOK_AGAIN)


async def _is_settled(source: Source, verifying: Verifying, name: str) -> bool:
    """Whether nothing more is to be done about a stored artifact for now."""
    try:
        ask = parse_ask(name)
        if verifying.is_down:
            await verifying.lookup(ask.path, ask.version)
        await source.get(ask, Terms(freshness=Freshness.CACHED_ONLY))
    except Malformed:
        return True
    except GatewayError:
        return not verifying.is_down
    return not verifying.is_down

"""The verifying client of a checksum database: what golang.org/x/mod/sumdb does for the go command (protocol.md §5.4).

A record is believed when its lookup carries a head that a known key has signed, that head lies on the one history of
the database that is known here, and the record is proven from tiles to be in the tree of that history's head.

Belongs here: the order of these steps for one lookup. Not here: the history (timeline.py), tiles (tiles.py), how the
database is reached and where things are kept (ops.py).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from modgate.cache.flights import Flight, Flights
from modgate.checksum.claim import Claim, SignedHead, open_head, open_lookup
from modgate.checksum.doubt import Doubt, Found
from modgate.checksum.ops import Ops
from modgate.checksum.tiles import Tiles
from modgate.checksum.timeline import Known, Timeline
from modgate.errors import Corrupt, Fork, GatewayError, Malformed, Unproven
from modgate.gomod import ModulePath
from modgate.gomod.escape import escape_path, escape_version
from modgate.tlog.hashes import record_hash, stored_hash_index
from modgate.tlog.note import Verifier
from modgate.tlog.proven import HEIGHT
from modgate.tlog.tile import DATA, Tile
from modgate.tlog.tiling import tile_in_tree

MOST_HEADS = 64
"""Opened heads that are remembered, 300 bytes each, so that a signature is verified once (70 µs) and not per lookup."""
LATEST_SECONDS = 5.0
"""Between two asks for the newest head: who asks for tiles beyond every tree asks again and again."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A record that is proven to be in the log, and the evidence for it."""

    path: ModulePath
    version: str
    """Unescaped, both."""
    sums: Mapping[str, str]
    """Of the module's "zip" and "mod", each `h1:…`; what is missing was not recorded."""
    record_id: int
    text: str
    """The record: lines of go.sum."""
    tree_size: int
    """Of the tree that it was proven to be in, in records."""
    root: bytes
    """Of that tree; 32 bytes."""
    head: bytes
    """The signed note of that tree."""


class SumClient:
    """Looks modules up in one database. It owns its fetches: `close` ends them."""

    def __init__(
        self, database: str, verifiers: Sequence[Verifier], ops: Ops, unexpected: Callable[[BaseException], None]
    ) -> None:
        """`database` is its name, for people; a head needs the valid signature of one of `verifiers`, and no invalid
        one of another. `unexpected` is told of defects of ours.
        """
        self._database = database
        self._verifiers = tuple(verifiers)
        self._ops = ops
        self._tiles = Tiles(database, ops, unexpected)
        self._timeline = Timeline(database, self._verifiers, ops, self._tiles)
        self._flights: Flights[str, Verified] = Flights(unexpected)
        self._opened: OrderedDict[bytes, SignedHead] = OrderedDict()
        self._quiet_until = 0.0

    async def lookup(self, path: ModulePath, version: str, deadline: float = float("inf")) -> Verified:
        """The proven record of a module; `deadline` is in seconds of the loop's clock. Asks for one thing at one time
        share their fetch, which goes on when nobody waits any more.

        Raises:
            Malformed: the path or version cannot be written in the protocol.
            Absent: the database has no such record.
            Corrupt: every way to the database sends what cannot be proven.
            Fork: the database has signed two histories.
            Unavailable, Forbidden: it cannot be found out.
        """
        name = f"lookup/{escape_path(path)}@{escape_version(version)}"
        flight, _ = self._flights.join(name, lambda flight: self._fly(path, version, name, flight))
        try:
            return await flight.result(deadline)
        except GatewayError as error:
            error.asked = error.asked or f"{self._database} {path}@{version}"
            raise

    async def tile(self, tile: Tile) -> bytes | None:
        """The content of a tile of hashes, proven under the newest head that is known here; None if it is beyond that
        head, or of another kind than go commands ask for. Whoever asks keeps it.

        Raises:
            Corrupt: every way to the database sends what cannot be it.
            Fork: the database has signed two histories.
            Unavailable, Forbidden: it cannot be found out.
        """
        known = await self._timeline.known() if tile.level != DATA and tile.height == HEIGHT else None
        if known is not None and _place(known, tile) is None:
            known = await self._caught_up(known)
        wide = _place(known, tile) if known is not None else None
        if known is None or wide is None:
            return None
        index = stored_hash_index(HEIGHT * tile.level, tile.number << HEIGHT)
        await self._tiles.ensure(known.tree, [index], Doubt(), known.fresh)
        data = known.tree.data(wide)[: tile.size]
        known.fresh.pop(tile.path, None)
        self._timeline.slim(known)
        return data

    async def close(self, grace: float = 0.0) -> None:
        """Let what is under way end within `grace` seconds and cancel the rest."""
        await self._flights.close(grace)
        await self._tiles.close(grace)

    async def _caught_up(self, known: Known) -> Known:
        """With the newest head of the database, where it can be had: clients have met one that we have not."""
        now = asyncio.get_running_loop().time()
        if now < self._quiet_until:
            return known
        self._quiet_until = now + LATEST_SECONDS

        def use(data: bytes, way: str) -> SignedHead:
            try:
                return open_head(data, self._verifiers)
            except (Malformed, Unproven) as error:
                asked = f"{self._database} latest"
                raise Corrupt(asked=asked, source=way, reason=f"sent what cannot be it: {error.why}") from error

        try:
            signed = await self._ops.fetch("latest", use)
            return known if self._timeline.is_growing else await self._timeline.merge(signed, Doubt())
        except Fork:
            raise
        except GatewayError:
            return known

    async def _fly(self, path: ModulePath, version: str, name: str, flight: Flight[Verified]) -> None:
        def opened(data: bytes) -> Claim:
            claim = open_lookup(data, path, version, self._verifiers, self._opened)
            self._opened[claim.signed.note] = claim.signed
            if len(self._opened) > MOST_HEADS:
                self._opened.popitem(last=False)
            return claim

        doubt = Doubt()
        proof = await self._kept(name, opened, doubt)
        fresh: dict[str, bytes] = {}
        if proof is None:
            proof, fresh[name] = await self._fetched(name, opened, doubt)
        claim, known = proof
        head = known.signed.head
        flight.publish(
            Verified(
                path, version, claim.sums, claim.record_id, claim.text, head.size, head.root, head=known.signed.note
            )
        )
        # Nobody waits for what follows; if we die here, the files are fetched again.
        await self._tiles.keep(fresh)
        await self._tiles.keep(known.fresh)
        self._timeline.slim(known)

    async def _kept(self, name: str, opened: Callable[[bytes], Claim], doubt: Doubt) -> tuple[Claim, Known] | None:
        """The proof of a lookup that is kept here; it may have come with a pass-through, and is believed as little as
        any other. One that proves wrong goes out of the way."""
        data = await self._ops.kept(name)
        if data is None:
            return None
        try:
            claim = opened(data)
            return claim, await self._proven(claim, doubt)
        except (Malformed, Unproven):
            await self._ops.drop(name)
            return None

    async def _fetched(
        self, name: str, opened: Callable[[bytes], Claim], doubt: Doubt
    ) -> tuple[tuple[Claim, Known], bytes]:
        """The proof of a lookup that is fetched, and what is to be kept; a way that lied is passed over."""
        records = Doubt()
        asked = f"{self._database} {name}"

        def use(data: bytes, way: str) -> tuple[Claim, Found]:
            records.refuse(way, asked)
            try:
                return opened(data), Found(name, way, data)
            except (Malformed, Unproven) as error:
                raise Corrupt(asked=asked, source=way, reason=f"sent what cannot be it: {error.why}") from error

        while True:
            claim, found = await self._ops.fetch(name, use)
            try:
                return (claim, await self._proven(claim, doubt)), found.data
            except Unproven as error:
                records.blame([found], error.why)

    async def _proven(self, claim: Claim, doubt: Doubt) -> Known:
        """The known tree that holds the claimed record.

        Raises:
            Unproven: its place in the tree holds another one.
        """
        known = await self._timeline.merge(claim.signed, doubt)
        index = stored_hash_index(0, claim.record_id)
        await self._tiles.ensure(known.tree, [index], doubt, known.fresh)
        if known.tree.hashes([index]) != [record_hash(claim.text.encode())]:
            raise Unproven("record", f"the record is not the one that the log has as number {claim.record_id}")
        return known


def _place(known: Known, tile: Tile) -> Tile | None:
    """The tile at this place in the known tree, if it is as wide as `tile` at least."""
    wide = tile_in_tree(HEIGHT, tile.level, tile.number, known.tree.head.size)
    return wide if wide is not None and wide.width >= tile.width else None

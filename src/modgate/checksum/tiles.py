"""Tiles of a database: kept or fetched, proven, and only then kept.

Belongs here: where tiles come from and what happens with wrong ones. Not here: what proves them (tlog/proven.py), which
head they are proven against (timeline.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from modgate.cache.flights import Flight, Flights
from modgate.checksum.doubt import Doubt, Found
from modgate.checksum.ops import Ops
from modgate.errors import Absent, Corrupt, GatewayError, Trouble, Unavailable, Unproven
from modgate.source.chain import gravity
from modgate.tlog.proven import ProvenTree
from modgate.tlog.tile import Tile

FOREVER = float("inf")
"""The fetches behind Ops have deadlines of their own."""


class Tiles:
    """Gets tiles for whoever proves something, each once at a time."""

    def __init__(self, database: str, ops: Ops, unexpected: Callable[[BaseException], None]) -> None:
        """`database` is its name, for people."""
        self._database = database
        self._ops = ops
        self._flights: Flights[tuple[Tile, frozenset[str]], Found] = Flights(unexpected)

    async def ensure(self, tree: ProvenTree, indexes: Sequence[int], doubt: Doubt, fresh: dict[str, bytes]) -> None:
        """Fetch and prove tiles until `tree` can tell the stored hashes `indexes`; `fresh` gets those that are proven
        now and not kept yet. They are not kept here: the tree may turn out to be that of a fork.

        Raises:
            Corrupt: every way sends wrong ones.
            Unavailable, Forbidden: they cannot be had.
        """
        while missing := tree.missing(indexes):
            try:
                found = await self._all(missing, doubt)
            except GatewayError:
                if doubt.turn():
                    continue  # what was left out may be needed, and innocent
                raise
            try:
                tree.prove({tile: one.data for tile, one in found.items()})
            except Unproven as error:
                suspects = [one for tile, one in found.items() if tile.path in error.suspects]
                for name in doubt.blame(suspects, error.why):
                    await self._ops.drop(name)
            # Not what was found: another task may have had the tile proven with better data meanwhile.
            proven = (tile for tile, one in found.items() if one.way is not None and tile in tree)
            fresh |= {tile.path: tree.data(tile) for tile in proven}

    async def keep(self, fresh: dict[str, bytes]) -> None:
        """Keep proven files, and empty `fresh`. What cannot be kept is fetched again one day."""
        taken = dict(fresh)
        fresh.clear()
        if len(taken) == 1:  # a lookup, whose tiles are there: a task less
            for name, data in taken.items():
                await self._keep(name, data)
            return
        async with asyncio.TaskGroup() as group:
            for name, data in taken.items():
                group.create_task(self._keep(name, data))

    async def close(self, grace: float = 0.0) -> None:
        await self._flights.close(grace)

    async def _keep(self, name: str, data: bytes) -> None:
        try:
            await self._ops.keep(name, data)
        except GatewayError:
            return  # Ops tells of a full disk; the proof stands without it.

    async def _all(self, tiles: Sequence[Tile], doubt: Doubt) -> dict[Tile, Found]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._outcome(tile, doubt)) for tile in tiles]
        outcomes = [task.result() for task in tasks]
        failures = [outcome for outcome in outcomes if isinstance(outcome, GatewayError)]
        if failures:
            raise max(failures, key=gravity)
        return {tile: one for tile, one in zip(tiles, outcomes, strict=True) if isinstance(one, Found)}

    async def _outcome(self, tile: Tile, doubt: Doubt) -> Found | GatewayError:
        """Errors as values: the other tiles are wanted all the same, the question may be asked again."""
        try:
            flight, _ = self._flights.join((tile, doubt.key), lambda flight: self._fly(tile, doubt, flight))
            return await flight.result(FOREVER)
        except GatewayError as error:
            return error

    async def _fly(self, tile: Tile, doubt: Doubt, flight: Flight[Found]) -> None:
        full = replace(tile, width=1 << tile.height)
        found = await self._kept(tile, tile, doubt)
        if found is None and tile != full:
            found = await self._kept(full, tile, doubt)
        if found is None:
            try:
                found = await self._fetched(tile, tile, doubt)
            except GatewayError as error:
                found = await self._grown(full, tile, doubt, error)
        flight.publish(found)

    async def _kept(self, source: Tile, tile: Tile, doubt: Doubt) -> Found | None:
        """`tile` as the beginning of the kept tile `source`; what has not even its length goes out of the way."""
        name = source.path
        data = None if doubt.about(name) else await self._ops.kept(name)
        if data is not None and len(data) != source.size:
            await self._ops.drop(name)
            data = None
        return None if data is None else Found(name, None, data[: tile.size])

    async def _fetched(self, source: Tile, tile: Tile, doubt: Doubt) -> Found:
        asked = f"{self._database} {source.path}"

        def use(data: bytes, way: str) -> Found:
            doubt.refuse(way, asked)
            if len(data) != source.size:
                reason = f"sent {len(data)} bytes, where the tile has {source.size}"
                raise Corrupt(asked=asked, source=way, reason=reason)
            return Found(source.path, way, data[: tile.size])

        try:
            return await self._ops.fetch(source.path, use)
        except Absent as error:
            # It is in a tree that the database has signed: that it is missing says nothing about any module.
            reason = "does not have a tile of a tree that the database has signed; it may be behind: try again later"
            raise Unavailable(asked=asked, source=error.source, reason=reason) from error

    async def _grown(self, full: Tile, tile: Tile, doubt: Doubt, error: GatewayError) -> Found:
        """A partial tile that is not served any more has been completed since (protocol.md §5.4); its error is the one
        that tells."""
        unreachable = isinstance(error, Unavailable) and error.trouble is not Trouble.ANSWER
        if tile == full or unreachable:
            raise error
        try:
            return await self._fetched(full, tile, doubt)
        except GatewayError:
            raise error from None

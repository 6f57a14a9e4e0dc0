"""Our own checksum database as clients ask it (protocol.md §5.1, §5.7): supported, lookup, latest, tiles.

A go command has exactly one GOSUMDB, so this one answers for all modules: what is private is recorded from our own
store, everything else, and golang.org/toolchain whatever the patterns say, from the public database.

Belongs here: the requests of the protocol, and who is asked for a record that is not there yet. Not here: the log
(log.py), where sums come from (ownsums.py), other databases (databases.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from modgate.cache.flights import Flight, Flights
from modgate.checksum.databases import LOOKUP, OCTETS, TEXT, TOOLCHAIN, DatabaseReply
from modgate.checksum.log import OwnLog
from modgate.checksum.ownsums import Grounds
from modgate.errors import Absent, Corrupt, GatewayError, Malformed
from modgate.gomod import ModulePath
from modgate.gomod.escape import unescape_path, unescape_version
from modgate.gomod.versions import fits, is_canonical
from modgate.observe.events import Events
from modgate.source.base import FOREVER, Cached, Freshness, Terms
from modgate.tlog.tile import parse_tile

HEIGHT = 8
"""Of the tiles that are served: go asks for no other."""
LOOKUP_SECONDS = 3600.0
"""A record never changes; the head with it grows older, and during a change of keys lacks the new signature."""
LATEST_SECONDS = 1.0
"""Only auditors ask for it, and want it new."""
SUPPORTED_SECONDS = 60.0
EVENT_SECONDS = 60.0
"""Between two events about tiles beyond the log: a client that has seen more asks again and again."""


class Sums(Protocol):
    """Says what is recorded (ownsums.py)."""

    async def grounds(self, path: ModulePath, version: str, terms: Terms) -> Grounds: ...


class OwnDatabase:
    """The one that this gateway signs. It owns its fetches: `close` ends them."""

    def __init__(
        self,
        log: OwnLog,
        *,
        private: Sums,
        public: Sums | None,
        is_private: Callable[[str], bool],
        stamp: Callable[[str], tuple[int, int]],
        events: Events,
        unexpected: Callable[[BaseException], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`public` is None where no public database is used; `stamp` is that of storage/generations.py."""
        self._log = log
        self._private = private
        self._public = public
        self._is_private = is_private
        self._stamp = stamp
        self._events = events
        self._clock = clock
        self._quiet_until = 0.0
        self._flights: Flights[str, None] = Flights(unexpected)

    @property
    def name(self) -> str:
        return self._log.name

    async def get(self, rest: str, terms: Terms) -> DatabaseReply:
        """Answer what stands behind `/sumdb/<name>/`, or at the root of the port of its own.

        Raises:
            Malformed: it is none of the protocol's requests in its one spelling.
            GatewayError: it cannot be answered.
        """
        now = self._clock()
        if rest == "supported":
            return DatabaseReply(b"", TEXT, now + SUPPORTED_SECONDS, Cached.HIT, "", None)
        if rest == "latest":
            head = await self._log.latest()
            return DatabaseReply(head.note, TEXT, now + LATEST_SECONDS, Cached.HIT, "", None)
        kind, _, what = rest.partition("/")
        if kind == "tile":
            return await self._tile(rest)
        if kind == "lookup":
            return await self._lookup(*asked_module(what), terms)
        raise Malformed("checksum database request", rest, "it is none of supported, latest, lookup/… and tile/…")

    async def close(self, grace: float = 0.0) -> None:
        """Let what is under way end within `grace` seconds and cancel the rest."""
        await self._flights.close(grace)

    async def _tile(self, rest: str) -> DatabaseReply:
        tile, stamp = parse_tile(rest), self._stamp("tile")
        if tile.height != HEIGHT:
            raise Absent(asked=rest, source=self.name, reason=f"has tiles of height {HEIGHT} only")
        try:
            data = await self._log.tile(tile)
        except Absent:
            self._tell_of(rest)
            raise
        holds_names = tile.size is None
        return DatabaseReply(data, TEXT if holds_names else OCTETS, FOREVER, Cached.HIT, "", stamp, private=holds_names)

    def _tell_of(self, tile: str) -> None:
        """Whoever asks for more than there is has seen a larger log of this name: perhaps ours before a restore."""
        now = self._clock()
        if now >= self._quiet_until:
            self._quiet_until = now + EVENT_SECONDS
            self._events.emit("tile_beyond_log", asked=tile, size=self._log.published.head.size)

    async def _lookup(self, path: ModulePath, version: str, terms: Terms) -> DatabaseReply:
        name, stamp = f"{path}@{version}", self._stamp(path)
        data, cached = await self._log.lookup(name), Cached.HIT
        if data is None:
            if terms.freshness is Freshness.CACHED_ONLY:
                raise Absent(asked=name, reason="is not recorded yet, and this request does not want it fetched")
            flight, joined = self._flights.join(name, lambda flight: self._fly(path, version, terms, flight))
            await flight.result(terms.deadline)
            data, cached = await self._log.lookup(name), Cached.COALESCED if joined else Cached.MISS
        if data is None:
            raise Corrupt(asked=name, source=self.name, reason="was recorded and is not there")
        until = self._clock() + LOOKUP_SECONDS
        return DatabaseReply(data, TEXT, until, cached, "", stamp, private=self._is_ours(path))

    async def _fly(self, path: ModulePath, version: str, terms: Terms, flight: Flight[None]) -> None:
        """Record it. Nobody's deadline ends that: whoever asks again finds it further on."""
        try:
            grounds = await self._sums(path).grounds(path, version, replace(terms, body=True, deadline=FOREVER))
            await self._log.record(f"{path}@{version}", grounds.text, grounds.evidence)
        except GatewayError as error:
            error.asked = error.asked or f"{path}@{version}"
            raise
        flight.publish(None)

    def _is_ours(self, path: ModulePath) -> bool:
        return path != TOOLCHAIN and self._is_private(path)

    def _sums(self, path: ModulePath) -> Sums:
        if self._is_ours(path):
            return self._private
        if self._public is None:
            reason = "is public, and the settings name no public database to verify it against (checksum)"
            raise Absent(asked=path, source=self.name, reason=reason)
        return self._public


def asked_module(what: str) -> tuple[ModulePath, str]:
    """The path and version of a lookup, unescaped.

    Raises:
        Malformed: it is none in its one spelling.
        Absent: no module can have this version.
    """
    path_text, _, version_text = what.rpartition("@")
    path, version = unescape_path(path_text), unescape_version(version_text)
    if not LOOKUP.fullmatch(f"{path}@{version}"):
        raise Malformed("lookup", what, "it is not <module>@<version>")
    if not is_canonical(version) or not fits(path, version):
        raise Absent(asked=f"{path}@{version}", reason="is no version that this module can have")
    return path, version

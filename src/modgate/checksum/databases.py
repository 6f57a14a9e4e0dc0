"""The checksum databases that the settings name, relayed byte for byte and kept (protocol.md §5.6).

Tiles of every width and lookups never change: they are kept for ever. `latest` is short-lived, and served stale while
the database is down. `supported` is ours to answer: a 404 would send clients past us. Private paths are answered here
and never leave the building.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from modgate.cache.changing import Changing, Obtained, Question
from modgate.cache.freshness import Ages
from modgate.cache.smallfiles import Item, SmallFiles
from modgate.checksum.beside import Beside
from modgate.checksum.ways import Ways
from modgate.errors import Absent, Corrupt, Malformed, Unavailable
from modgate.gomod.escape import escape_path, escape_version, unescape_path, unescape_version
from modgate.source.base import FOREVER, Cached, Terms
from modgate.storage.records import ArtifactRow
from modgate.storage.tree import NAME_BYTES
from modgate.tlog.record import parse_record
from modgate.tlog.tile import Tile, parse_tile
from modgate.tlog.tree import parse_lookup, parse_signed_head

LATEST = Ages(fresh=5.0, stale=5.0, keep=30 * 86400.0)
"""Only auditors ask for it (protocol.md §5.1), and want it new; while the database is down the last one still helps."""
LOOKUP = re.compile(r"[^@]+@v[0-9]+\.[0-9]+\.[0-9]+(-[^@]*)?(\+incompatible)?")
"""As the reference server has it (protocol.md §5.1), on the unescaped text."""
TOOLCHAIN = "golang.org/toolchain"
"""Never private: clients check it always, whatever their settings (protocol.md §1.10)."""
TEXT, OCTETS = "text/plain; charset=utf-8", "application/octet-stream"


@dataclass(frozen=True, slots=True)
class DatabaseReply:
    """An answer of a checksum database."""

    data: bytes
    media_type: str
    fresh_until: float
    """Seconds since the epoch; FOREVER for what never changes."""
    cached: Cached
    source: str
    stamp: tuple[int, int] | None
    private: bool = False
    """Whether it tells of a private module: then no cache that is shared may keep it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """An immutable file of a database."""

    name: str
    media_type: str
    parse: Callable[[bytes], object]
    """Raises Malformed for what cannot be it."""
    identity: Callable[[bytes], str]
    """What of it never changes."""


Prove = Callable[[Tile], Awaitable[bytes | None]]
"""Gives the proven content of a tile, or None where there is nothing to prove it with. Raises Corrupt where what comes
from outside is another one."""


async def unproven(_: Tile) -> None:
    """Of a database that is passed through only."""


class Database:
    """One of them."""

    def __init__(
        self,
        name: str,
        ways: Ways,
        files: SmallFiles,
        changing: Changing,
        *,
        is_private: Callable[[str], bool],
        most: int,
        elsewhere: Path | None = None,
        prove: Prove = unproven,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`most` bounds one answer in bytes; `elsewhere` is another directory of databases to read from. What `prove`
        cannot tell is relayed as it comes.
        """
        self.name = name
        self._ways = ways
        self._files = files
        self._changing = changing
        self._is_private = is_private
        self._most = most
        self._beside = Beside(elsewhere, name)
        self._prove = prove
        self._clock = clock

    async def get(self, rest: str, terms: Terms) -> DatabaseReply:
        """Answer what stands behind `/sumdb/<name>/`.

        Raises:
            Malformed: it is none of the protocol's requests in its one spelling.
            GatewayError: it cannot be answered.
        """
        if rest == "supported":
            return DatabaseReply(b"", TEXT, self._clock() + 60.0, Cached.HIT, "", None)
        if rest == "latest":
            return await self._latest(terms)
        kind, _, what = rest.partition("/")
        if kind == "tile":
            tile = parse_tile(rest)
            kept = self._wider(tile) if tile.size is not None else _nothing
            shape: Callable[[bytes], object] = lambda data: _sized(data, tile.size)  # noqa: E731 a name for its type
            return await self._file(Shape(rest, OCTETS, shape, _sha256), terms, kept, lambda: self._prove(tile))
        if kind == "lookup":
            return await self._file(Shape(self._lookup(what), TEXT, parse_lookup, _record), terms, _nothing, _never)
        raise Malformed("checksum database request", rest, "it is none of supported, latest, lookup/… and tile/…")

    async def close(self, grace: float = 0.0) -> None:
        await self._files.close(grace)
        await self._changing.close(grace)

    def _lookup(self, what: str) -> str:
        """The file name of a lookup; private paths end here."""
        path_text, _, version_text = what.rpartition("@")
        path, version = unescape_path(path_text), unescape_version(version_text)
        if not LOOKUP.fullmatch(f"{path}@{version}"):
            raise Malformed("lookup", what, "it is not <module>@<version>")
        if path != TOOLCHAIN and self._is_private(path):
            reason = "is private here, and private paths are never looked up outside; set GONOSUMDB for it"
            raise Absent(asked=f"{path}@{version}", reason=reason)
        name = f"lookup/{escape_path(path)}@{escape_version(version)}"
        if any(len(element) > NAME_BYTES for element in name.split("/")):
            raise Absent(asked=f"{path}@{version}", reason="has a name that is longer than any file system takes")
        return name

    async def _latest(self, terms: Terms) -> DatabaseReply:
        async def obtain() -> Obtained:
            return await self._ways.fetch("latest", self._most, self._judged(parse_signed_head, "latest"))

        question = Question(f"sumdb/{self.name}/latest", f"{self.name} latest", self.name, LATEST, 0.0, obtain)
        told = await self._changing.get(question, terms)
        row = told.row
        return DatabaseReply(row.body, TEXT, row.fetched + LATEST.fresh, told.cached, row.source, told.stamp)

    async def _file(
        self,
        shape: Shape,
        terms: Terms,
        kept: Callable[[], bytes | None],
        proven: Callable[[], Awaitable[bytes | None]],
    ) -> DatabaseReply:
        """`kept` finds the same content in another file that is here already. Where it can be `proven`, what a way
        sends instead is not kept: a wrong tile would shut clients out for as long as it lies here.
        """
        name = shape.name
        judged = self._judged(shape.parse, name)

        async def obtain() -> Obtained:
            data = kept() or self._beside.read(name, self._most)
            if data is not None and _fits(shape, data):
                return Obtained(data, "", "the store")
            if (data := await proven()) is not None:
                return judged(data, self.name)
            return await self._ways.fetch(name, self._most, judged)

        async def check(_: ArtifactRow) -> str:
            """The form was judged; signatures and hashes are the client's to verify."""
            return ""

        async def stored() -> None:
            """No list tells of it."""

        item = Item(
            name=name,
            label=f"{self.name} {name}",
            kind="sumdb",
            topic=f"{self.name}/{name}",
            absent=0.0,
            obtain=obtain,
            formed=lambda data: self._formed(shape.parse, data, name),
            h1=shape.identity,
            check=check,
            stored=stored,
        )
        small, cached, stamp = await self._files.get(item, terms)
        return DatabaseReply(small.data, shape.media_type, FOREVER, cached, small.row.source, stamp)

    def _wider(self, tile: Tile) -> Callable[[], bytes | None]:
        """A partial tile is the beginning of every wider one at its place (protocol.md §5.3).

        A client without a database asks for the widths of the tree head that it happens to meet first; with the
        upstream gone, one that nobody asked for before can still be answered.
        """

        def find() -> bytes | None:
            full = replace(tile, width=1 << tile.height)
            names = {*self._files.names(f"{full.path}.p"), *self._beside.names(f"{full.path}.p")}
            partial = [int(name) for name in names if name.isdecimal()]
            widths = sorted(width for width in {*partial, full.width} if width > tile.width)
            found = (self._here(replace(tile, width=width).path) for width in widths)
            data = next((data for data in found if data is not None), None)
            return None if data is None else data[: tile.size]

        return find

    def _here(self, name: str) -> bytes | None:
        return self._files.kept(name) or self._beside.read(name, self._most)

    def _judged(self, shape: Callable[[bytes], object], name: str) -> Callable[[bytes, str], Obtained]:
        """A login page, a cut tile or an error text with status 200 is kept by nobody, and is no verdict either: what a
        record says is the client's to verify, and it is asked for again with the next ask."""

        def use(data: bytes, source: str) -> Obtained:
            try:
                shape(data)
            except Malformed as error:
                reason = f"sent what cannot be it: {error.why}"
                raise Unavailable(asked=f"{self.name} {name}", source=source, reason=reason) from error
            return Obtained(data, "", source)

        return use

    def _formed(self, shape: Callable[[bytes], object], data: bytes, name: str) -> None:
        try:
            shape(data)
        except Malformed as error:
            raise Corrupt(asked=f"{self.name} {name}", source="the store", reason=error.why) from error


class Served(Protocol):
    """A database that is served below `/sumdb/<name>/`: one of these, or our own."""

    @property
    def name(self) -> str: ...

    async def get(self, rest: str, terms: Terms) -> DatabaseReply: ...

    async def close(self, grace: float = 0.0) -> None: ...


class Databases:
    """All of them, found by the longest name: a name may hold slashes."""

    def __init__(self, databases: Sequence[Served]) -> None:
        self._databases = sorted(databases, key=lambda database: -len(database.name))

    async def get(self, rest: str, terms: Terms) -> DatabaseReply:
        """Answer what stands behind `/sumdb/`.

        Raises:
            Absent: the settings name no such database; nobody was asked.
            Malformed, GatewayError: as Database.get.
        """
        for database in self._databases:
            if rest.startswith(f"{database.name}/"):
                return await database.get(rest.removeprefix(f"{database.name}/"), terms)
        reason = "is no checksum database of this gateway; its settings name those that are (checksum_database)"
        raise Absent(asked=rest.partition("/")[0], reason=reason)

    async def close(self, grace: float = 0.0) -> None:
        """Let fetches end within `grace` seconds and cancel the rest."""
        for database in self._databases:
            await database.close(grace)


def _fits(shape: Shape, data: bytes) -> bool:
    """Whether a file can be what it is named; what others have left in their directory may be cut."""
    try:
        shape.parse(data)
    except Malformed:
        return False
    return True


def _sized(data: bytes, size: int | None) -> None:
    if size is not None and len(data) != size:
        raise Malformed("tile", "", f"it has {len(data)} bytes, not {size}")
    if not data or (size is None and data.lstrip()[:1] == b"<"):
        raise Malformed("tile", "", "it holds no records")


def identity_of(name: str, data: bytes) -> str:
    """What never changes of a tile or lookup: what pins it.

    Raises:
        Malformed: it is no lookup.
    """
    return _record(data) if name.startswith("lookup/") else _sha256(data)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _record(data: bytes) -> str:
    """Of a lookup; the tree head behind it is a newer one each time."""
    record_id, text, _ = parse_record(data)
    return f"{record_id} {_sha256(text.encode())}"


def _nothing() -> None:
    """A lookup stands in no other file."""


async def _never() -> None:
    """And what it says is proven where a module needs it (client.py)."""

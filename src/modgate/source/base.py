"""Ask, Terms, Answer and Source: the one seam of modgate.

Everything that can answer for a module is a `Source`; a deployment is an expression of sources (docs/architecture.md).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Protocol, TypeGuard

from modgate.gomod import ModulePath
from modgate.gomod.escape import escape_path, escape_version


class Kind(StrEnum):
    """The five questions of the GOPROXY protocol (protocol.md §1.1)."""

    LIST = "list"
    LATEST = "latest"
    INFO = "info"
    MOD = "mod"
    ZIP = "zip"


@dataclass(frozen=True, slots=True)
class Ask:
    """One question that a go command can put to a proxy. It is the key of caches and of coalescing."""

    kind: Kind
    path: ModulePath
    version: str = ""
    """Canonical for MOD and ZIP; canonical or a query (branch, commit, v1) for INFO; "" for LIST and LATEST.
    Unescaped."""

    @property
    def name(self) -> str:
        """Where it lies below a proxy's base URL, escaped: `github.com/!azure/x/@v/v1.0.0.mod` (protocol.md §1.1,
        §1.2).

        The same name is its file in the artifact tree, and with the namespace its key everywhere.
        """
        base = escape_path(self.path)
        if self.kind is Kind.LATEST:
            return f"{base}/@latest"
        if self.kind is Kind.LIST:
            return f"{base}/@v/list"
        return f"{base}/@v/{escape_version(self.version)}.{self.kind}"

    def __str__(self) -> str:
        """As a person would write it, for error texts and logs: `github.com/a/b@v1.0.0 zip`."""
        return f"{self.path}@{self.version} {self.kind}" if self.version else f"{self.path} {self.kind}"


class Freshness(IntEnum):
    """How new an answer has to be."""

    CACHED_ONLY = 0
    """From the cache, however old; nothing is asked of any upstream."""
    NORMAL = 1
    """By the ages of the route."""
    REFRESH = 2
    """Ask the upstream first, if the last time is more than a second ago (Cache-Control: no-cache)."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    user: str = ""
    """"" is anonymous."""
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What this client gave in headers that a route forwards, by their names in lower case."""


ANONYMOUS = Caller()


@dataclass(frozen=True, slots=True)
class Resume:
    """What we already have of a body whose transfer broke, for a source that can go on from there."""

    source: str
    """Name of the source that sent it."""
    offset: int
    """Bytes that we have."""
    validator: str
    """Its strong ETag, or "" where it gave none: then a continued transfer would be a guess."""
    broken: frozenset[str] = frozenset()
    """Sources that have had their chances in this download: skipped where the chain says `|`, else asked again."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How this asker wants it answered. Never part of a key."""

    freshness: Freshness = Freshness.NORMAL
    body: bool = True
    """False for HEAD: size and headers only; nothing is downloaded for it."""
    deadline: float = float("inf")
    """In seconds of the event loop's clock: nobody waits longer."""
    caller: Caller = ANONYMOUS
    resume: Resume | None = None
    """Only from the spool to what is below it."""


class Reader(Protocol):
    """An open body. Whoever opened it closes it, on success and on failure."""

    async def read(self) -> bytes:
        """The next piece, at most 256 KiB; b"" at the end.

        Raises:
            Unavailable: the transfer behind it broke and could not be mended.
            Corrupt: what came is not what it claims to be; the last bytes were never handed out.
        """

    def close(self) -> None: ...


class Body(Protocol):
    """The content of an answer, of which any range can be opened any number of times."""

    @property
    def size(self) -> int | None:
        """In bytes; None while a growing file does not know its length."""

    async def open(self, start: int = 0, stop: int | None = None) -> Reader:
        """Open the bytes from `start` up to, not including, `stop`.

        Raises:
            Unavailable: it is not there any more.
        """


class Cached(StrEnum):
    """Where an answer came from, as X-Cache and the access log tell it."""

    HIT = "hit"
    MISS = "miss"
    STALE = "stale"
    COALESCED = "coalesced"
    REFRESHED = "refreshed"


FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source says."""

    ask: Ask
    body: Ready | Stored | Growing | Arriving
    version: str = ""
    """The version that it is about: for INFO and LATEST the one named inside, "" for LIST."""
    digest: str = ""
    """sha256 of the body in hex, where known: two zips with one h1 may differ in bytes."""
    fetched: float = 0.0
    """When it came from its origin, in seconds since the epoch; 0.0 if unknown. It is the Last-Modified of
    artifacts."""
    fresh_until: float = FOREVER
    """Seconds since the epoch until which it may be answered again without a look; FOREVER for immutable things."""
    source: str = ""
    """Name of the source, without credentials; "" for this gateway's own store."""
    cached: Cached = Cached.MISS
    private: bool = False
    """Not for shared caches."""
    makeshift: bool = False
    """Given only because nobody else could be asked (source/fallback.py): whoever remembers it asks anew soon, and
    `fetched` is when it was written."""
    stamp: tuple[int, int] | None = None
    """(slot, generation) of storage/generations.py, read before the look-up: whoever keeps a copy of this answer in
    memory drops it when the slot has moved on. None: must not be kept."""

    @property
    def immutable(self) -> bool:
        return self.fresh_until == FOREVER


class Source(Protocol):
    """Everything that can answer for a module."""

    @property
    def name(self) -> str:
        """For logs, metrics and error texts: an URL without credentials, or what it does."""

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        """Answer `ask`.

        Raises:
            Absent, Refused, Unavailable, Corrupt: see errors.py.
        """


@dataclass(frozen=True, slots=True)
class Ready:
    """A small body in memory."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    async def open(self, start: int = 0, stop: int | None = None) -> Reader:
        return _Piece(memoryview(self.data)[start:stop])


class _Piece:
    def __init__(self, data: memoryview) -> None:
        self._rest = data

    async def read(self) -> bytes:
        data, self._rest = bytes(self._rest[:262144]), self._rest[262144:]
        return data

    def close(self) -> None:
        self._rest = memoryview(b"")


class Stored(Body, Protocol):
    """A complete body in a store. A local file can be handed to sendfile."""

    @property
    def size(self) -> int: ...

    def fileno(self) -> int | None:
        """A new descriptor of the local file, which the caller closes; None where there is none.

        Raises:
            Unavailable: it is not there any more, or not the file that was proven.
        """

    def is_in(self, descriptor: int) -> bool:
        """Whether a descriptor that came from `fileno` still has the file that was proven."""


class Growing(Body, Protocol):
    """A body that is still arriving; its last 64 KiB are held back until all of it has passed its checks."""

    @property
    def growing(self) -> bool:
        """Always true; it tells this apart from a stored body."""

    @property
    def released(self) -> int:
        """How many of its bytes may be handed out."""

    def fileno(self) -> int:
        """A new descriptor of the local file, which the caller closes; what is released can be read from it."""


def is_stored(body: object) -> TypeGuard[Stored]:
    """Whether a body is complete and lies in a store."""
    return hasattr(body, "fileno") and not hasattr(body, "growing")


def is_growing(body: object) -> TypeGuard[Growing]:
    """Whether a body is still arriving."""
    return hasattr(body, "growing")


@dataclass(frozen=True, slots=True)
class Arriving:
    """A body as an upstream sends it: read once, by the spool. No client ever sees one."""

    chunks: AsyncGenerator[bytes, None]
    """Raises Unavailable when the transfer breaks."""
    start: int = 0
    """Where in the file the first chunk belongs: 0, or the resume offset where the upstream granted it."""
    size: int | None = None
    """Length of the whole file, where the upstream says it."""
    validator: str = ""
    """A strong ETag, or ""."""
    url: str = ""
    """Where it comes from, without credentials."""

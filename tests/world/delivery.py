"""What a simulated server sends for one request, and how: a plain value that faults change.

Belongs here: the request as it was read, the delivery as data, and the gate at which deliveries wait for the test. Not
here: sockets (server.py), ways to fail (faults.py), what is served (upstream.py, database.py).
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import unquote

PATIENCE = 20.0
"""Seconds that a test waits for something it has set in motion before it fails: far above what a busy machine needs."""


@dataclass(frozen=True)
class Request:
    """One request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    """By lower-case name; of a repeated one the last."""

    @property
    def path(self) -> str:
        """Percent-decoded, without the first slash and the query."""
        return unquote(self.target.partition("?")[0]).lstrip("/")

    @property
    def kind(self) -> str:
        """list, latest, info, mod, zip; supported, lookup, tile for a checksum database; else other."""
        last = self.path.rpartition("/")[2]
        if last == "@latest":
            return "latest"
        if "/@v/" in self.path:
            return last.rpartition(".")[2]
        for name in ("supported", "lookup", "tile", "latest"):
            if f"/{name}/" in f"/{self.path}/":
                return name
        return "other"


class Framing(Enum):
    """How a body says where it ends."""

    LENGTH = "Content-Length"
    CHUNKED = "chunks"
    CLOSE = "the end of the connection"


class Gate:
    """Where deliveries wait until the test lets them on. Nothing waits for a clock."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._arrived = 0
        self._is_open = False
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def open(self) -> None:
        """Let everything on that waits, and all that comes later."""
        with self._changed:
            self._is_open = True
            waiting, self._waiting = self._waiting, []
        for loop, event in waiting:
            loop.call_soon_threadsafe(event.set)

    def wait_for(self, count: int = 1) -> None:
        """Return when `count` deliveries have come to this gate since it was made."""
        with self._changed:
            came = self._changed.wait_for(lambda: self._arrived >= count, PATIENCE)
        assert came, f"{self._arrived} deliveries instead of {count} came to the gate within {PATIENCE:.0f} s"

    async def passed(self) -> None:
        """Return when the gate is open; for the server."""
        event = asyncio.Event()
        with self._changed:
            self._arrived += 1
            self._changed.notify_all()
            if self._is_open:
                return
            self._waiting.append((asyncio.get_running_loop(), event))
        await event.wait()


@dataclass(frozen=True)
class Delivery:
    """An answer, and how it is sent."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    """Content-Length is not among them: `framing` and `length` say it."""
    framing: Framing = Framing.LENGTH
    length: int | None = None
    """What Content-Length says; None: the truth."""
    before: Gate | None = None
    """Nothing is sent until it opens."""
    delay: float = 0.0
    """Seconds before the status line, for tests that are about deadlines."""
    pause: tuple[int, Gate] | None = None
    """After so many bytes of the body nothing more is sent until the gate opens."""
    bytes_per_second: int = 0
    """At most; 0 is no limit."""
    cut_after: int | None = None
    """The connection ends after so many bytes of the body; -1: before the status line."""
    reset: bool = False
    """A cut is a reset (RST), not an orderly end."""
    endless_header: bool = False
    """A header line is sent that never ends."""
    raw: bytes | None = None
    """These bytes are sent instead of any HTTP, and the connection ends."""

    @property
    def size(self) -> int:
        """What Content-Length says."""
        return len(self.body) if self.length is None else self.length


def text(status: int, words: str) -> Delivery:
    """A delivery of one plain line, as upstreams explain an error."""
    return Delivery(status, words.encode(), {"Content-Type": "text/plain; charset=utf-8"})

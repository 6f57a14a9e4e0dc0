"""A data port over a source that is told what to answer, and a client that speaks raw bytes."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import trustme

from modgate.errors import Absent
from modgate.observe.access_log import AccessLog
from modgate.observe.metrics import Family, Histogram, Metrics
from modgate.serve.app import DataPort
from modgate.serve.clock import Clock
from modgate.serve.edge import Edge, WireLimits
from modgate.serve.exchange import Reporter
from modgate.serve.health import Check, Health
from modgate.serve.keep import Keeper
from modgate.serve.listener import Listener
from modgate.serve.openfiles import OpenFiles
from modgate.serve.protocol import SILENT_SECONDS
from modgate.serve.proxies import TrustedProxies
from modgate.serve.sockets import bind
from modgate.serve.table import Principals, Table
from modgate.serve.target import parse_target
from modgate.source.base import FOREVER, Answer, Ask, Cached, Freshness, Reader, Ready, Terms

MIB = 1024 * 1024


class FakeClock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1_700_000_000.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


class FakeSource:
    """Answers what it was given, as often as it is asked."""

    name = "fake"

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Exception] = {}
        self.asked: list[tuple[Ask, Terms]] = []
        self.hold: asyncio.Event | None = None
        """While it is set to an event that has not happened, nobody is answered."""
        self.waiting = 0

    def put(self, name: str, answer: Answer | Exception) -> None:
        """`name` is the ask's name, as it lies below a proxy's base URL."""
        self.answers[name] = answer

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        self.asked.append((ask, terms))
        if self.hold is not None:
            self.waiting += 1
            try:
                await self.hold.wait()
            finally:
                self.waiting -= 1
        answer = self.answers.get(ask.name, Absent(asked=str(ask), reason="nobody has it"))
        if isinstance(answer, Absent) and terms.freshness is Freshness.CACHED_ONLY:
            raise Absent(asked=str(ask), reason="it is not in the cache")
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass(frozen=True)
class FakeReply:
    """What a checksum database says."""

    data: bytes
    media_type: str = "text/plain; charset=utf-8"
    fresh_until: float = FOREVER
    cached: Cached = Cached.MISS
    source: str = ""
    stamp: tuple[int, int] | None = (2, 7)
    private: bool = False


class FakeDatabases:
    """Checksum databases with fixed answers."""

    def __init__(self) -> None:
        self.replies: dict[str, FakeReply | Exception] = {}

    async def get(self, rest: str, terms: Terms) -> FakeReply:
        reply = self.replies.get(rest, Absent(asked=rest, reason="no such database is configured"))
        if isinstance(reply, Exception):
            raise reply
        return reply


class StoredBody:
    """A file on disk as a body."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def fileno(self) -> int | None:
        return os.open(self.path, os.O_RDONLY)

    def is_in(self, descriptor: int) -> bool:
        return os.path.samestat(os.fstat(descriptor), self.path.stat())

    async def open(self, start: int = 0, stop: int | None = None) -> Reader:
        return Pieces([self.path.read_bytes()[start:stop]])


class GrowingBody:
    """A body that arrives piece by piece; an exception among the pieces breaks it."""

    growing = True

    def __init__(self, pieces: Sequence[bytes | Exception], size: int | None = None) -> None:
        self.pieces = pieces
        self.size = size
        self.closed = 0

    async def open(self, start: int = 0, stop: int | None = None) -> Reader:
        return Pieces(self.pieces, self)

    released = 0

    def fileno(self) -> int:
        raise AssertionError("it is in no file")


class Pieces:
    """A reader over pieces."""

    def __init__(self, pieces: Sequence[bytes | Exception], body: GrowingBody | None = None) -> None:
        self._pieces = list(pieces)
        self._body = body

    async def read(self) -> bytes:
        await asyncio.sleep(0)
        piece = self._pieces.pop(0) if self._pieces else b""
        if isinstance(piece, Exception):
            raise piece
        return piece

    def close(self) -> None:
        if self._body is not None:
            self._body.closed += 1


class Generations:
    """Slots that can be bumped."""

    def __init__(self) -> None:
        self.values = [7] * 8

    def bump(self, slot: int) -> None:
        self.values[slot] += 1


@dataclass
class Logged:
    """What was told to the application log."""

    entries: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, event: str, **fields: Any) -> None:
        self.entries.append((event, fields))


class Authority:
    """A certificate authority whose certificates lie in files."""

    def __init__(self, folder: Path) -> None:
        self.cert, self.key = folder / "cert.pem", folder / "key.pem"
        self._authority = trustme.CA()

    def issue(self, name: str) -> None:
        leaf = self._authority.issue_cert("localhost", common_name=name)
        leaf.private_key_pem.write_to_path(self.key)
        leaf.cert_chain_pems[0].write_to_path(self.cert)

    @property
    def trusting(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context


class Port:
    """A data port, wired as gateway.py does it, with everything in reach."""

    def __init__(
        self,
        access_log: Path,
        *,
        limits: WireLimits | None = None,
        base_path: str = "",
        views: Sequence[str] = (),
        trusted: Sequence[str] = (),
        tls: ssl.SSLContext | None = None,
        app: Any = None,
    ) -> None:
        self.clock = FakeClock()
        self.source = FakeSource()
        self.databases = FakeDatabases()
        self.generations = Generations()
        self.metrics = Metrics()
        self.logged = Logged()
        self.files = OpenFiles()
        self.checks: list[Check] = [Check("store", ok=True)]
        self.log_path = access_log
        self.access_log = AccessLog(str(access_log))
        clock = Clock(self.clock, self.clock)
        self.reporter = Reporter(self.metrics, self.access_log, clock)
        self.table = Table(self.generations.values, 16 * MIB)
        self.principals = Principals(self.table)
        self.data_port = DataPort(
            views={"": self.source, **dict.fromkeys(views, self.source)},
            databases=self.databases,
            keeper=Keeper(self.principals, self.reporter, self.files),
            reporter=self.reporter,
            health=Health(lambda: self.checks, "0.1.0"),
            metrics=self.metrics,
            log=self.logged,
            via="modgate-test",
            parse=partial(parse_target, base=base_path, views=views),
        )
        self.edge = Edge(
            app=app or self.data_port,
            principals=self.principals,
            reporter=self.reporter,
            proxies=TrustedProxies(trusted),
            request_prefix="t-",
            log=self.logged,
            limits=limits,
            tenant_header="X-Tenant",
        )
        self.listener = Listener(bind("127.0.0.1:0", field="listen"), self.edge, tls)
        self._clients: list[Client] = []

    @property
    def number(self) -> int:
        return int(self.listener.addresses[0].rpartition(":")[2])

    async def client(self, tls: ssl.SSLContext | None = None, limit: int = 64 * MIB) -> Client:
        """A new connection."""
        name = "localhost" if tls else None
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.number, ssl=tls, server_hostname=name, limit=limit
        )
        client = Client(reader, writer)
        self._clients.append(client)
        return client

    async def ask(self, target: str, method: str = "GET", **headers: str) -> Response:
        """One request on a connection of its own; header names are written with _ for -."""
        client = await self.client()
        return await client.ask(target, method, **headers)

    def answer(self, name: str, ask: Ask, data: bytes, **fields: Any) -> None:
        """Let the source answer `ask` from memory."""
        self.source.put(name, Answer(ask, Ready(data), **({"stamp": (1, self.generations.values[1])} | fields)))

    def log_lines(self) -> list[dict[str, Any]]:
        """The access log so far."""
        self.access_log.flush()
        return [json.loads(line) for line in self.log_path.read_text().splitlines()]

    def count(self, family: Family) -> dict[tuple[str, ...], float]:
        """The samples of one metric by label values; histograms by their number of observations."""
        found: dict[tuple[str, ...], float] = {}
        for kind, labels, child in self.metrics.samples():
            if kind is family:
                found[labels] = sum(child.counts) if isinstance(child, Histogram) else child.value
        return found

    async def settle(self, done: Callable[[], bool]) -> None:
        """Let the event loop turn until `done`; a test that waits for ever ends by its time limit."""
        while not done():
            await asyncio.sleep(0)

    async def takes_for_gone(self, client: Client) -> None:
        """Let a client go in good order, for which one that only sends no more would be taken, and time pass."""
        await client.close()
        await self.settle(lambda: any(connection._ended for connection in self.listener._connections()))
        self.clock.advance(SILENT_SECONDS + 0.1)
        self.listener.sweep()

    async def close(self) -> None:
        for client in self._clients:
            await client.close()
        await self.listener.drain(0.0)
        self.listener.abort()
        self.files.close()
        self.access_log.close()


@dataclass(frozen=True)
class Response:
    """A response as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Client:
    """A client that reads and writes bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, target: str, method: str = "GET", **headers: str) -> Response:
        await self.send(request(target, method, **headers))
        return await self.response(method)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def response(self, method: str = "GET") -> Response:
        """Read one response.

        Raises:
            asyncio.IncompleteReadError: the connection ended before its end.
        """
        head = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = head[:-4].decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        status = int(first.split()[1])
        return Response(status, headers, await self._body(method, status, headers))

    async def _body(self, method: str, status: int, headers: Mapping[str, str]) -> bytes:
        if method == "HEAD" or status in (204, 304):
            return b""
        if "content-length" in headers:
            return await self.reader.readexactly(int(headers["content-length"]))
        if headers.get("transfer-encoding") != "chunked":
            return await self.reader.read()
        body = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)
        return body

    async def is_closed(self) -> bool:
        """Whether the server ended the connection without another byte; waits for either."""
        try:
            return await self.reader.read(1) == b""
        except ConnectionError:
            return True

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except (ConnectionError, ssl.SSLError, TimeoutError):
            # The server may have cut it first.
            return


def request(target: str, method: str = "GET", **headers: str) -> bytes:
    """A request's bytes."""
    lines = [f"{method} {target} HTTP/1.1", "Host: gateway.example"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

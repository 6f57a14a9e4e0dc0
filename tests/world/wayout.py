"""A proxy on the way out: HTTP (CONNECT and absolute form, RFC 9110 §7.1 and §9.3.6) or SOCKS5 (RFC 1928, RFC 1929).

It knows the names that the tests make up, and nobody else does: whoever reaches them has asked it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import threading
from collections.abc import Coroutine, Mapping
from typing import Any, Literal, Self

from tests.world.delivery import PATIENCE
from tests.world.loops import settled
from tests.world.server import LOOPBACK


class WayOut:
    """One proxy."""

    def __init__(
        self, kind: Literal["http", "socks5"] = "http", *, names: Mapping[str, int] | None = None, user: str = ""
    ) -> None:
        """`names` are hosts with the ports of this machine that they are at; `user` is `name:password`, if it wants
        one."""
        self.kind = kind
        self.names = dict(names or {})
        self.asked: list[str] = []
        """`host:port`, or for the absolute form the URL, of every request to it that had the right to be made."""
        self.heads: list[str] = []
        """Of requests by HTTP, whether they had it or not."""
        self._user = user
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="way-out", daemon=True)
        self._thread.start()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.comes_back()

    @property
    def url(self) -> str:
        user = f"{self._user}@" if self._user else ""
        return f"{self.kind}://{user}{LOOPBACK}:{self.port}"

    def comes_back(self) -> None:
        """Listen, on the port that it has had before."""
        self._do(self._listen())

    def goes_down(self) -> None:
        """Refuse connections, and cut those that there are."""
        self._do(self._cut())

    def close(self) -> None:
        self.goes_down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _cut(self) -> None:
        if self._server is None:
            return
        self._server.close()
        self._server = None
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await settled(PATIENCE)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._server is None:
            writer.transport.abort()
            return
        self._tasks.add(task)
        try:
            await (self._http(reader, writer) if self.kind == "http" else self._socks(reader, writer))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # somebody went away
        finally:
            self._tasks.discard(task)
            if self._server is None:
                writer.transport.abort()  # whoever does not read holds up no end
            writer.close()

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.heads.append(head)
        method, target, _ = head.split(" ", 2)
        wanted = "Basic " + base64.b64encode(self._user.encode()).decode()
        if self._user and f"proxy-authorization: {wanted}".lower() not in head.lower():
            writer.write(b'HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n')
            await writer.drain()
            return
        self.asked.append(target)
        place = target if method == "CONNECT" else target.split("/", 3)[2]
        upstream = await self._reached(*_split(place))
        if upstream is None:
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            # One request a connection: the upstream is told to close it behind its answer.
            lines = [
                line for line in head.split("\r\n")[1:-2] if not line.lower().startswith(("proxy-", "connection:"))
            ]
            first = f"{method} /{target.split('/', 3)[3]} HTTP/1.1"
            upstream[1].write("\r\n".join([first, *lines, "Connection: close", "", ""]).encode("latin-1"))
        await _joined((reader, writer), upstream)

    async def _socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        method = 2 if self._user else 0
        writer.write(bytes([5, method if method in methods else 255]))
        if method not in methods:
            await writer.drain()
            return
        if self._user:
            _, size = await reader.readexactly(2)
            name = await reader.readexactly(size)
            password = await reader.readexactly((await reader.readexactly(1))[0])
            right = f"{name.decode()}:{password.decode()}" == self._user
            writer.write(bytes([1, 0 if right else 1]))
            if not right:
                await writer.drain()
                return
        _, _, _, kind = await reader.readexactly(4)
        host = await _socks_host(reader, kind)
        port = int.from_bytes(await reader.readexactly(2))
        self.asked.append(f"{host}:{port}")
        upstream = await self._reached(host, port)
        writer.write(bytes([5, 4 if upstream is None else 0, 0, 1, 0, 0, 0, 0, 0, 0]))
        await writer.drain()
        if upstream is not None:
            await _joined((reader, writer), upstream)

    async def _reached(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        if host != LOOPBACK and host not in self.names:
            return None
        try:
            return await asyncio.open_connection(LOOPBACK, self.names.get(host, port))
        except OSError:
            return None


Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _joined(one: Pair, other: Pair) -> None:
    """What comes from one goes to the other, until one of them has had enough."""
    try:
        ways = [asyncio.ensure_future(_pumped(one[0], other[1])), asyncio.ensure_future(_pumped(other[0], one[1]))]  # noqa: TID251 -- both end below
        _, pending = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in pending:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
    finally:
        other[1].transport.abort()


async def _pumped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def _socks_host(reader: asyncio.StreamReader, kind: int) -> str:
    if kind == 3:
        return (await reader.readexactly((await reader.readexactly(1))[0])).decode()
    return ".".join(map(str, await reader.readexactly(4)))


def _split(place: str) -> tuple[str, int]:
    host, _, port = place.partition(":")
    return host, int(port or 80)

"""Where clients connect: sockets, TLS, and the sweep and the drain of all connections.

Belongs here: binding, accepting, and what is done to connections as a whole. Not here: one connection (protocol.py),
when the process stops (gateway.py).
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from modgate.errors import SetupError
from modgate.serve.edge import Edge
from modgate.serve.protocol import Connection
from modgate.serve.tls import HANDSHAKE_SECONDS, SHUTDOWN_SECONDS

BACKLOG = 1024
"""Connections that the kernel accepts for us while we are busy; the kernel caps it at its own limit."""
SWEEP_SECONDS = 1.0
"""Deadlines of connections are kept to the second."""
DRAIN_STEP = 0.02
"""Seconds between two looks at what a drain still waits for."""
SETTLING_TURNS = 3
"""Turns of the event loop in which clients that the kernel has accepted, and requests it has received, get in."""


def split_address(address: str, field: str) -> tuple[str, int]:
    """`HOST:PORT` as its parts; IPv6 in brackets, an empty host is every address of this machine.

    Raises:
        SetupError: it is something else; `field` is the setting that it stands in.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise SetupError(field, f"{address!r} is no HOST:PORT", "give for example 127.0.0.1:8080, or port 0 for any")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise SetupError(field, f"{address!r} is ambiguous", f"put the IPv6 address in brackets: [{host}]:{port}")
    return host, int(port)


def bind(address: str, *, field: str, reuse_port: bool = False) -> list[socket.socket]:
    """Bind every address that `address` names, with one port for all; nothing is accepted yet.

    Raises:
        SetupError: the address is not ours or taken.
    """
    host, port = split_address(address, field)
    bound: list[socket.socket] = []
    try:
        for family, where in _resolve(host, port, field):
            place = (where[0], bound[0].getsockname()[1] if bound else where[1], *where[2:])
            bound.append(_bound(family, place, reuse_port=reuse_port))
    except OSError as error:
        for other in bound:
            other.close()
        if error.errno == errno.EADDRINUSE:
            remedy = "stop the program that listens there, or choose another port (0 takes any free one)"
            raise SetupError(field, f"{address} is in use", remedy) from None
        remedy = "give an address of this machine, and a port that this user may listen on"
        raise SetupError(field, f"{address}: {error.strerror or error}", remedy) from None
    return bound


def _resolve(host: str, port: int, field: str) -> list[tuple[int, tuple[Any, ...]]]:
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise SetupError(field, f"{host!r} has no address: {error}", "give an address of this machine") from None
    return list(dict.fromkeys((family.value, where) for family, _, _, _, where in found if host or _exists(family)))


def _exists(family: int) -> bool:
    """Whether this machine speaks it: containers often have no IPv6, and "every address" then means IPv4's."""
    try:
        socket.socket(family, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True


def _bound(family: int, where: tuple[Any, ...], *, reuse_port: bool) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(where)
        # Here and not first when serving begins: SO_REUSEADDR lets a bind succeed that a listen then refuses.
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    bound.setblocking(False)
    return bound


class Listener:
    """Accepts connections on bound sockets and answers them through one Edge."""

    def __init__(self, sockets: Sequence[socket.socket], edge: Edge, tls: ssl.SSLContext | None = None) -> None:
        """The sockets belong to the listener from here on."""
        self._sockets = list(sockets)
        self._edge = edge
        self._tls = tls
        self._servers: list[asyncio.Server] = []
        self.addresses = [_spelled(bound.getsockname()) for bound in self._sockets]
        """Where it listens, as HOST:PORT, with the ports that were really taken."""

    @property
    def connections(self) -> int:
        return len(self._edge.state.connections)

    async def start(self) -> None:
        """Begin to accept."""
        loop = asyncio.get_running_loop()
        for bound in self._sockets:
            server = await loop.create_server(
                lambda: Connection(self._edge, loop),
                sock=bound,
                ssl=self._tls,
                backlog=BACKLOG,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if self._tls else None,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS if self._tls else None,
            )
            self._servers.append(server)

    async def watch(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Sweep every second, for ever; the gateway's task scope owns and cancels it."""
        while True:
            await sleep(SWEEP_SECONDS)
            self.sweep()

    def sweep(self) -> None:
        """Spell the time anew, and end the connections whose time is over."""
        self._edge.tick()
        now = self._edge.reporter.clock.monotonic()
        for connection in self._connections():
            connection.check(now)

    async def drain(self, seconds: float) -> None:
        """Accept no more, answer what has been accepted, and cut what is not done within `seconds`."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        for _ in range(SETTLING_TURNS):
            await asyncio.sleep(0)
        for server in self._servers:
            server.close()
        self._edge.draining = True
        for connection in self._connections():
            connection.shutdown()
        await self._emptied(end)
        self.abort()

    def abort(self) -> None:
        """Cut every connection, and close the sockets."""
        for server in self._servers:
            server.close()
        for bound in self._sockets:
            bound.close()
        for connection in self._connections():
            connection.transport.abort()

    async def _emptied(self, end: float) -> None:
        loop = asyncio.get_running_loop()
        swept = loop.time()
        while (self._edge.state.connections or self._edge.tasks) and loop.time() < end:
            await asyncio.sleep(DRAIN_STEP)
            if loop.time() - swept >= SWEEP_SECONDS:
                swept = loop.time()
                self.sweep()

    def _connections(self) -> list[Connection]:
        return [connection for connection in self._edge.state.connections if isinstance(connection, Connection)]


def _spelled(where: tuple[str, int]) -> str:
    host, port = where[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

"""Where clients connect: TLS, and the sweep and the drain of all connections.

Belongs here: accepting, and what is done to connections as a whole. Not here: binding (sockets.py), one connection
(protocol.py), when the process stops (lifecycle.py).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence

from modgate.serve.edge import Edge
from modgate.serve.protocol import Connection
from modgate.serve.sockets import BACKLOG, spelled
from modgate.serve.tls import HANDSHAKE_SECONDS, SHUTDOWN_SECONDS

SWEEP_SECONDS = 1.0
"""Deadlines of connections are kept to the second."""
DRAIN_STEP = 0.02
"""Seconds between two looks at what a drain still waits for."""
SETTLING_TURNS = 3
"""Turns of the event loop in which clients that the kernel has accepted, and requests it has received, get in."""


class Listener:
    """Accepts connections on bound sockets and answers them through one Edge."""

    def __init__(self, sockets: Sequence[socket.socket], edge: Edge, tls: ssl.SSLContext | None = None) -> None:
        """The sockets belong to the listener from here on."""
        self._sockets = list(sockets)
        self._edge = edge
        self._tls = tls
        self._servers: list[asyncio.Server] = []
        self.addresses = [spelled(bound.getsockname()) for bound in self._sockets]
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

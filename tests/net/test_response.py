"""A body comes in pieces: what follows a small one waits in the kernel until it is asked for, and nothing is lost."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from modgate.net.client import Client
from modgate.net.limits import Bounds, Deadlines
from modgate.net.response import SMALL
from modgate.net.url import Target
from modgate.observe.metrics import Metrics

BEGINNING, REST = b"a" * 1000, b"b" * (4 * SMALL)


async def test_what_follows_a_small_piece_waits_until_it_is_asked_for_and_the_connection_is_used_again() -> None:
    go_on, connections = asyncio.Event(), 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(BEGINNING) + len(REST)))
                writer.write(BEGINNING)
                await go_on.wait()
                writer.write(REST)
                await writer.drain()
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    target = Target(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x")
    client = Client(Metrics(), user_agent="modgate/test", via="1.1 test", bounds=Bounds())
    async with server:
        for _ in range(2):
            go_on.clear()
            async with AsyncExitStack() as stack:
                response = await client.get(stack, target, Deadlines(), upstream="test")
                pieces = response.chunks()
                assert await anext(pieces) == BEGINNING
                connection = response._raw.connection
                assert connection is not None and connection.transport is not None
                assert not connection.transport.is_reading()
                go_on.set()
                assert b"".join([piece async for piece in pieces]) == REST
        await client.close()
    assert connections == 1

"""A connection that is called off, or fails, closes its descriptor once: closed twice, it would be another's."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable

import pytest

from modgate.gateway.loop import run


async def called_off(ours: socket.socket, theirs: socket.socket) -> None:
    made = asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=ours)
    connecting = asyncio.ensure_future(made)  # noqa: TID251 -- awaited below
    await asyncio.sleep(0)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting


async def without_an_other_end(ours: socket.socket, theirs: socket.socket) -> None:
    theirs.close()
    loop, context = asyncio.get_running_loop(), ssl.create_default_context()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await loop.create_connection(asyncio.Protocol, sock=ours, ssl=context, server_hostname="example.com")


@pytest.mark.parametrize("fails", [called_off, without_an_other_end])
def test_a_socket_that_was_given_away_owns_no_descriptor(
    fails: Callable[[socket.socket, socket.socket], Awaitable[None]],
) -> None:
    async def number() -> int:
        ours, theirs = socket.socketpair()
        with theirs, ours:
            ours.setblocking(False)
            await fails(ours, theirs)
            return ours.fileno()

    assert run(number()) == -1


def test_a_connection_that_comes_about_is_that_of_its_socket() -> None:
    async def talk() -> int:
        ours, theirs = socket.socketpair()
        transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=ours)
        with theirs:
            transport.write(b"hello")
            assert await asyncio.to_thread(theirs.recv, 5) == b"hello"
            transport.close()
            assert await asyncio.to_thread(theirs.recv, 5) == b""
        return 7

    assert run(talk()) == 7

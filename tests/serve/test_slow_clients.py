"""Clients that are slow, silent or gone are cut by our own clock, one look a second."""

from __future__ import annotations

import asyncio

import pytest

from modgate.gomod import ModulePath
from modgate.observe.families import MALFORMED
from modgate.source.base import Ask, Kind
from tests.serve.fakes import MIB, Client, Port, request

ZIP = Ask(Kind.ZIP, ModulePath("rsc.io/quote"), "v1.5.2")


async def connected(port: Port, sent: bytes = b"") -> Client:
    """A client whose bytes have reached the server."""
    before = port.listener.connections
    client = await port.client()
    await port.settle(lambda: port.listener.connections == before + 1)
    if sent:
        await client.send(sent)
        await port.settle(lambda: any(connection._began for connection in port.listener._connections()))
    return client


def pass_time(port: Port, seconds: float) -> None:
    port.clock.advance(seconds)
    port.listener.sweep()


async def test_a_silent_connection_is_closed_after_ten_seconds(port: Port) -> None:
    client = await connected(port)
    pass_time(port, 9.9)
    assert port.listener.connections == 1
    pass_time(port, 0.2)
    assert await client.is_closed()


async def test_a_head_that_does_not_end_is_told_so_after_ten_seconds(port: Port) -> None:
    client = await connected(port, b"GET / HTTP/1.1\r\nHost: a\r\n")
    pass_time(port, 9.9)
    await client.send(b"A: b\r\n")
    pass_time(port, 0.2)
    response = await client.response()
    assert (response.status, response.headers["connection"]) == (408, "close")
    assert await client.is_closed()
    assert port.count(MALFORMED)[()] == 1


async def test_empty_lines_are_no_request(port: Port) -> None:
    client = await connected(port)
    await client.send(b"\r\n" * 20)
    pass_time(port, 10.1)
    assert await client.is_closed()


async def test_an_idle_connection_is_closed_after_seventy_five_seconds(port: Port) -> None:
    client = await connected(port)
    await client.ask("/")
    pass_time(port, 74.0)
    await client.ask("/")
    pass_time(port, 74.9)
    assert port.listener.connections == 1
    pass_time(port, 0.2)
    assert await client.is_closed()


async def test_an_answer_from_memory_keeps_the_connection_alive(port: Port) -> None:
    port.answer(ZIP.name, ZIP, b"x")
    client = await connected(port)
    for _ in range(4):
        assert (await client.ask(f"/{ZIP.name}")).status == 200
        pass_time(port, 70.0)
    assert port.listener.connections == 1


async def test_a_client_may_wait_long_for_a_slow_answer(port: Port) -> None:
    port.source.hold = asyncio.Event()
    client = await connected(port)
    await client.send(request("/rsc.io/quote/@v/list"))
    await port.settle(lambda: port.source.waiting == 1)
    for _ in range(10):
        pass_time(port, 60.0)
    port.source.hold.set()
    assert (await client.response()).status == 404


@pytest.mark.parametrize("is_first_taken", [False, True])
async def test_a_client_that_takes_nothing_of_its_answer_is_cut(port: Port, is_first_taken: bool) -> None:
    port.answer(ZIP.name, ZIP, b"x" * 32 * MIB)
    client = await port.client(limit=65536)
    await client.send(request(f"/{ZIP.name}"))
    if is_first_taken:
        await client.reader.readexactly(100_000)
    [connection] = port.listener._connections()
    transport = connection.transport
    await port.settle(lambda: connection.flow.write_paused)
    assert transport.get_write_buffer_size() < MIB, "a large body goes out piece by piece"
    seen = -1
    while seen != transport.get_write_buffer_size():  # until the kernel's buffers are full
        seen = transport.get_write_buffer_size()
        for _ in range(50):
            await asyncio.sleep(0)
    pass_time(port, 0.0)
    pass_time(port, 59.0)
    assert port.listener.connections == 1
    pass_time(port, 1.1)
    await port.settle(lambda: port.listener.connections == 0)


async def test_a_body_that_does_not_end_ends_the_connection_and_not_the_answer(port: Port) -> None:
    port.source.hold = asyncio.Event()
    client = await connected(port)
    await client.send(request("/rsc.io/quote/@v/list", Content_Length="10") + b"12345")
    await port.settle(lambda: port.source.waiting == 1)
    pass_time(port, 10.1)
    port.source.hold.set()
    assert (await client.response()).status == 404
    assert await client.is_closed()


async def test_a_half_request_behind_a_slow_one_has_its_time_too(port: Port) -> None:
    port.source.hold = asyncio.Event()
    client = await connected(port)
    await client.send(request("/rsc.io/quote/@v/list") + b"GET / HT")
    await port.settle(lambda: port.source.waiting == 1)
    pass_time(port, 10.1)
    pass_time(port, 10.1)
    port.source.hold.set()
    assert [(await client.response()).status for _ in range(2)] == [404, 408]
    assert await client.is_closed()


async def test_three_hundred_half_open_connections_disturb_nobody(port: Port) -> None:
    clients = [await connected(port, b"GET /x HTTP/1.1\r\nA: ") for _ in range(300)]
    assert (await port.ask("/")).status == 200
    pass_time(port, 10.1)
    assert {(await client.response()).status for client in clients} == {408}
    assert (await port.ask("/")).status == 200


async def test_the_watch_sweeps_every_second(port: Port) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        port.clock.advance(seconds)
        if len(slept) == 12:
            raise asyncio.CancelledError

    client = await connected(port)
    with pytest.raises(asyncio.CancelledError):
        await port.listener.watch(sleep)
    assert slept == [1.0] * 12
    assert await client.is_closed()

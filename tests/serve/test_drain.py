"""A drain accepts nothing new, cuts nobody off who has asked, and ends at once when nobody has."""

from __future__ import annotations

import asyncio

import pytest

from modgate.gomod import ModulePath
from modgate.source.base import Answer, Ask, Kind
from tests.serve.fakes import GrowingBody, Port, request

INFO = Ask(Kind.INFO, ModulePath("rsc.io/quote"), "v1.5.2")
TARGET = f"/{INFO.name}"


def draining(port: Port, seconds: float = 20.0) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(port.listener.drain(seconds))


async def test_idle_connections_are_closed_at_once(port: Port) -> None:
    client = await port.client()
    await client.ask("/")
    await asyncio.wait_for(port.listener.drain(20.0), 5.0)
    assert port.listener.connections == 0
    with pytest.raises(OSError, match=r"Connect|refused"):
        await port.client()
    assert await client.is_closed()
    with pytest.raises(OSError, match=r"Connect|refused"):
        await port.client()


async def test_without_connections_it_ends_at_once(port: Port) -> None:
    await asyncio.wait_for(port.listener.drain(20.0), 5.0)
    assert port.listener.connections == 0
    with pytest.raises(OSError, match=r"Connect|refused"):
        await port.client()


async def test_a_request_in_flight_is_answered_and_then_the_connection_ends(port: Port) -> None:
    port.answer(INFO.name, INFO, b"{}")
    port.source.hold = asyncio.Event()
    client = await port.client()
    await client.send(request(TARGET))
    await port.settle(lambda: port.source.waiting == 1)
    drain = draining(port)
    await port.settle(lambda: port.edge.draining)
    port.source.hold.set()
    response = await client.response()
    assert (response.status, response.headers["connection"]) == (200, "close")
    assert await client.is_closed()
    await drain


async def test_everything_that_was_received_is_answered(port: Port) -> None:
    port.answer(INFO.name, INFO, b"{}")
    await port.ask(TARGET)
    port.source.hold = asyncio.Event()
    client = await port.client()
    await client.send(request("/rsc.io/slow/@v/list") + request(TARGET) * 200 + request("/"))
    await port.settle(lambda: port.source.waiting == 1)
    drain = draining(port)
    await port.settle(lambda: port.edge.draining)
    port.source.hold.set()
    statuses = [(await client.response()).status for _ in range(202)]
    assert statuses == [404] + [200] * 201
    assert await client.is_closed()
    await drain


async def test_a_request_that_the_kernel_has_received_is_answered(port: Port) -> None:
    port.answer(INFO.name, INFO, b"{}")
    client = await port.client()
    await client.ask("/")
    client.writer.write(request(TARGET))
    response_and_drain = await asyncio.gather(client.response(), port.listener.drain(20.0))
    assert response_and_drain[0].status == 200


async def test_a_request_that_has_begun_may_end(port: Port) -> None:
    client = await port.client()
    await client.send(b"GET / HTTP/1.1\r\n")
    await port.settle(lambda: any(connection._began for connection in port.listener._connections()))
    drain = draining(port)
    await port.settle(lambda: port.edge.draining)
    await client.send(b"Host: a\r\n\r\n")
    response = await client.response()
    assert (response.status, response.headers["connection"]) == (200, "close")
    await drain


async def test_a_new_connection_may_still_ask(port: Port) -> None:
    client = await port.client()
    await port.settle(lambda: port.listener.connections == 1)
    drain = draining(port)
    await port.settle(lambda: port.edge.draining)
    assert (await client.ask("/")).headers["connection"] == "close"
    await drain


async def test_an_answer_that_is_on_its_way_is_finished(port: Port) -> None:
    gate = asyncio.Event()

    class Gated(GrowingBody):
        """Waits in the middle."""

        async def open(self, start: int = 0, stop: int | None = None) -> GatedReader:
            return GatedReader(gate)

    port.source.put(INFO.name, Answer(INFO, Gated([], size=6)))
    client = await port.client()
    await client.send(request(TARGET))
    assert b"\r\n\r\n" in await client.reader.readuntil(b"abc")
    drain = draining(port)
    await port.settle(lambda: port.edge.draining)
    gate.set()
    assert await client.reader.readexactly(3) == b"def"
    assert await client.is_closed()
    await drain


class GatedReader:
    """Two pieces with a gate between them."""

    def __init__(self, gate: asyncio.Event) -> None:
        self._gate = gate
        self._pieces = [b"abc", b"def"]

    async def read(self) -> bytes:
        if len(self._pieces) == 1:
            await self._gate.wait()
        return self._pieces.pop(0) if self._pieces else b""

    def close(self) -> None:
        self._pieces.clear()


async def test_what_does_not_end_in_time_is_cut(port: Port) -> None:
    port.source.hold = asyncio.Event()
    client = await port.client()
    await client.send(request(TARGET))
    await port.settle(lambda: port.source.waiting == 1)
    await asyncio.wait_for(port.listener.drain(0.05), 5.0)
    assert await client.is_closed()
    await port.settle(lambda: not port.edge.tasks)
    assert port.source.waiting == 0

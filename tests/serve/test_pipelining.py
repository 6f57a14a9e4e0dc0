"""Requests that arrive together are answered in their order, and cost little while nobody reads the answers."""

from __future__ import annotations

import asyncio
import socket

import psutil

from modgate.gomod import ModulePath
from modgate.source.base import Ask, Kind
from tests.serve.fakes import MIB, Port, Response, request

QUOTE = ModulePath("rsc.io/quote")
NUMBER = 10_000


def info(number: int) -> Ask:
    return Ask(Kind.INFO, QUOTE, f"v1.0.{number}")


def mib_in_use() -> float:
    return float(psutil.Process().memory_info().rss) / MIB


async def test_fast_and_slow_answers_keep_their_order(port: Port) -> None:
    for number in range(3):
        port.answer(info(number).name, info(number), b'{"n":%d}' % number)
    await port.ask(f"/{info(0).name}")
    await port.ask(f"/{info(2).name}")
    assert len(port.table) == 2
    client = await port.client()
    wanted = [0, 1, 2, 0, 2, 1]
    await client.send(b"".join(request(f"/{info(number).name}") for number in wanted))
    assert [(await client.response()).body for _ in wanted] == [b'{"n":%d}' % number for number in wanted]


async def test_a_slow_answer_holds_those_behind_it(port: Port) -> None:
    port.answer(info(0).name, info(0), b"{}")
    await port.ask(f"/{info(0).name}")
    port.source.hold = asyncio.Event()
    client = await port.client()
    await client.send(request("/rsc.io/slow/@v/list") + request(f"/{info(0).name}") * 3)
    await port.settle(lambda: port.source.waiting == 1)
    await client.send(request(f"/{info(0).name}") * 100)
    port.source.hold.set()
    assert (await client.response()).status == 404
    assert {(await client.response()).status for _ in range(103)} == {200}


async def test_ten_thousand_requests_are_all_answered_in_order(port: Port) -> None:
    for number in range(10):
        port.answer(info(number).name, info(number), b'{"n":%d}' % number)
    client = await port.client()
    sending = asyncio.get_running_loop().create_task(
        client.send(b"".join(request(f"/{info(number % 10).name}") for number in range(NUMBER)))
    )
    for number in range(NUMBER):
        response = await client.response()
        assert (response.status, response.body) == (200, b'{"n":%d}' % (number % 10))
    await sending


class Unread:
    """A client that sends without reading, with small buffers, so that what it does not read stays with the server."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        self.socket.connect(("127.0.0.1", port.number))
        self.socket.setblocking(False)

    async def pour(self, data: bytes) -> int:
        """Send `data` until the server reads no more and the kernel's buffers are full; returns how much went out."""
        sent = 0
        while sent < len(data):
            try:
                sent += self.socket.send(data[sent : sent + 65536])
            except BlockingIOError:
                if any(connection.flow.read_paused for connection in self._port.listener._connections()):
                    break
            await asyncio.sleep(0)
        return sent


async def test_a_client_that_never_reads_costs_little(port: Port) -> None:
    body = b"x" * 4000
    port.answer(info(0).name, info(0), body)
    await port.ask(f"/{info(0).name}")
    before = mib_in_use()
    client = Unread(port)
    data = request(f"/{info(0).name}") * NUMBER
    sent = await client.pour(data)
    assert mib_in_use() - before < 10

    # When it reads at last, everything is there, in order and whole.
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection(sock=client.socket)
    rest = loop.create_task(_send(writer, data[sent:]))
    for _ in range(NUMBER):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert await reader.readexactly(len(body)) == body
    await rest
    writer.close()
    await writer.wait_closed()


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def test_waiting_requests_are_bounded_on_the_ordinary_path_too(port: Port) -> None:
    port.source.hold = asyncio.Event()
    before = mib_in_use()
    client = Unread(port)
    await client.pour(request("/a.b/c/@v/list") * NUMBER)
    [connection] = port.listener._connections()
    assert len(connection._waiting) <= 64
    assert len(connection._backlog) <= MIB / 2
    assert mib_in_use() - before < 10
    client.socket.close()


async def test_a_body_between_two_requests_is_dropped(port: Port) -> None:
    client = await port.client()
    post = request("/rsc.io/quote/@v/list", "POST", Content_Length="5000") + b"x" * 5000
    await client.send(post * 20 + request("/"))
    responses: list[Response] = [await client.response() for _ in range(21)]
    assert [response.status for response in responses] == [405] * 20 + [200]

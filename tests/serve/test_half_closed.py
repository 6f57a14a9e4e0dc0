"""A client that closes its half of the connection behind its requests still gets every answer, and then the end."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from modgate.gomod import ModulePath
from modgate.source.base import Answer, Ask, Kind
from tests.serve.fakes import MIB, Client, Port, StoredBody, request

ZIP = Ask(Kind.ZIP, ModulePath("rsc.io/quote"), "v1.5.2")
MOD = Ask(Kind.MOD, ModulePath("rsc.io/quote"), "v1.5.2")


async def asked(port: Port, data: bytes) -> Client:
    """One who has sent `data`, and sends no more."""
    client = await port.client()
    await client.send(data)
    client.writer.write_eof()
    return client


async def end_of(client: Client) -> list[int]:
    """The status of each answer, up to the end of the connection."""
    data = await client.reader.read()
    return [int(piece[:3]) for piece in data.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize("number", [1, 5, 500])
@pytest.mark.parametrize("header", [{}, {"X_Request_Id": "1"}], ids=["from memory", "ordinary"])
async def test_all_that_was_asked_for_is_answered(port: Port, number: int, header: dict[str, str]) -> None:
    port.answer(MOD.name, MOD, b"module rsc.io/quote\n")
    await port.ask(f"/{MOD.name}")
    client = await asked(port, request(f"/{MOD.name}", **header) * number)
    assert await end_of(client) == [200] * number
    await port.settle(lambda: port.listener.connections == 1)


async def test_a_large_file_is_sent_whole(port: Port, tmp_path: Path) -> None:
    data = os.urandom(8 * MIB)
    (tmp_path / "zip").write_bytes(data)
    port.source.put(ZIP.name, Answer(ZIP, StoredBody(tmp_path / "zip"), digest="cd" * 32))
    client = await asked(port, request(f"/{ZIP.name}"))
    _, _, body = (await client.reader.read()).partition(b"\r\n\r\n")
    assert body == data


async def test_what_comes_soon_is_waited_for(port: Port) -> None:
    port.source.hold = asyncio.Event()
    client = await asked(port, request("/rsc.io/quote/@v/list"))
    await port.settle(lambda: port.source.waiting == 1)
    port.source.hold.set()
    assert await end_of(client) == [404]


@pytest.mark.parametrize("rest", [b"GET / HT", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"])
async def test_a_request_that_will_not_end_holds_nothing_up(port: Port, rest: bytes) -> None:
    port.source.hold = asyncio.Event()
    client = await asked(port, request("/rsc.io/quote/@v/list") + rest)
    await port.settle(lambda: port.source.waiting == 1)
    port.source.hold.set()
    assert (await end_of(client))[0] == 404
    await port.settle(lambda: port.listener.connections == 0 and not port.edge.tasks)
    assert not port.logged.entries

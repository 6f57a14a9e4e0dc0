"""Large files take their time, and nobody waits for those who take them."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import pytest

from modgate.observe.families import REQUESTS, SENT_BYTES
from tests.serve.fakes import MIB, Client, Port, request
from tests.serve.test_files import TARGET, content, store

SIZE = 12 * MIB
BEGUN = 50_000
LIST = "/rsc.io/quote/@v/list"


@pytest.fixture
async def kept(port: Port, tmp_path: Path) -> bytes:
    """The content of a large file that the table answers with."""
    data = content(SIZE)
    store(port, tmp_path / "zip", data)
    assert (await port.ask(TARGET)).body == data
    await port.settle(lambda: not port.edge.tasks)
    return data


async def begun(port: Port, limit: int = 4096) -> Client:
    """A client that has seen the beginning of a file, and does not read on."""
    client = await port.client(limit=limit)
    await client.send(request(TARGET))
    await client.reader.readuntil(b"\r\n\r\n")
    await client.reader.readexactly(BEGUN)
    return client


async def test_those_who_do_not_read_hold_up_nobody(port: Port, kept: bytes) -> None:
    clients = [await begun(port) for _ in range(20)]
    assert (await port.ask("/healthz")).status == 200
    for client in clients:
        assert await client.reader.readexactly(SIZE - BEGUN) == kept[BEGUN:]
        assert (await client.ask(LIST)).status == 404


async def test_what_a_client_sends_meanwhile_waits_and_the_loop_does_not(port: Port, kept: bytes) -> None:
    client = await port.client()
    more = 20_000
    sending = asyncio.get_running_loop().create_task(client.send(request(TARGET) + request(LIST) * more))
    other = await port.client()
    for _ in range(50):
        assert (await asyncio.wait_for(other.ask(LIST), 10.0)).status == 404
    assert (await client.response()).body == kept
    for _ in range(more):
        assert (await client.response()).status == 404
    await sending


async def test_what_goes_out_stays_in_order_behind_what_waits_in_the_transport(port: Port, kept: bytes) -> None:
    client = await port.client(limit=4096)
    few = request("/healthz", X_Request_Id="1") * 40
    await client.send(few + request(TARGET) + few + request(TARGET, Range="bytes=0-"))
    for _ in range(2):
        for _ in range(40):
            assert (await client.response()).status == 200
        assert (await client.response()).body == kept


async def test_a_client_that_goes_away_is_accounted_for_with_what_it_got(port: Port, kept: bytes) -> None:
    before = len(os.listdir("/proc/self/fd"))
    client = await begun(port)
    client.writer.transport.abort()
    await port.settle(lambda: len(os.listdir("/proc/self/fd")) == before)
    await port.settle(lambda: len(port.log_lines()) == 2)
    whole, part = port.log_lines()
    assert (whole["status_code"], part["status_code"]) == (200, 200)
    assert whole["bytes_sent"] == SIZE
    assert BEGUN <= part["bytes_sent"] < SIZE
    assert port.count(SENT_BYTES)["zip",] == SIZE + part["bytes_sent"]
    assert port.count(REQUESTS)["zip", "200", "hit"] == 2
    assert not port.logged.entries, "that clients go away is no news"


async def test_a_file_of_the_table_that_becomes_shorter_is_cut_and_told(
    port: Port, kept: bytes, tmp_path: Path
) -> None:
    client = await begun(port)
    os.truncate(tmp_path / "zip", 100_000)
    rest = await client.reader.read()
    assert len(rest) < SIZE
    assert [event for event, _ in port.logged.entries] == ["response_cut"]
    assert port.log_lines()[-1]["bytes_sent"] < SIZE


async def test_one_that_was_replaced_is_not_sent(port: Port, kept: bytes, tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(kept[::-1])
    (tmp_path / "new").rename(tmp_path / "zip")
    assert (await port.ask(TARGET)).status == 503


async def test_without_a_descriptor_for_it_nobody_takes_what_comes_for_whole(
    port: Port, kept: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spent(_: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    client = await port.client()
    await client.ask("/healthz")
    before = len(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "dup", spent)
        await client.send(request(TARGET))
        assert len(await client.reader.read()) < SIZE
    await port.settle(lambda: len(os.listdir("/proc/self/fd")) == before - 1)
    assert [event for event, _ in port.logged.entries] == ["response_cut"]
    assert (await port.ask(TARGET)).body == kept


async def test_who_sends_no_more_gets_the_whole_file_and_then_the_end(port: Port, kept: bytes) -> None:
    client = await port.client()
    await client.send(request(TARGET))
    client.writer.write_eof()
    head, _, body = (await client.reader.read()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == kept


async def test_a_drain_waits_for_it(port: Port, kept: bytes) -> None:
    client = await begun(port)
    drain = asyncio.get_running_loop().create_task(port.listener.drain(20.0))
    await port.settle(lambda: port.edge.draining)
    assert await client.reader.read() == kept[BEGUN:]
    await drain


async def test_a_cut_ends_it_at_once(port: Port, kept: bytes) -> None:
    client = await begun(port)
    port.listener.abort()
    rest = b""
    while data := await _some(client):
        rest += data
    assert len(rest) < SIZE


async def _some(client: Client) -> bytes:
    try:
        return await client.reader.read(65536)
    except ConnectionError:
        return b""

"""Bodies arrive whole, or the client can tell that they did not."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from modgate.errors import Corrupt, Trouble, Unavailable
from modgate.gomod import ModulePath
from modgate.serve.tls import Certificate
from modgate.source.base import Answer, Ask, Cached, Kind, Reader
from tests.serve.fakes import MIB, Authority, GrowingBody, Pieces, Port, StoredBody, request

ZIP = Ask(Kind.ZIP, ModulePath("rsc.io/quote"), "v1.5.2")
TARGET = f"/{ZIP.name}"


def content(size: int) -> bytes:
    return b"".join(b"%07d\n" % number for number in range(size // 8))


def answer(port: Port, body: Any, **fields: Any) -> None:
    port.source.put(ZIP.name, Answer(ZIP, body, digest="cd" * 32, fetched=1_700_000_000.0, cached=Cached.HIT, **fields))


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def stored(port: Port, tmp_path: Path) -> bytes:
    data = content(3 * MIB)
    (tmp_path / "v1.5.2.zip").write_bytes(data)
    answer(port, StoredBody(tmp_path / "v1.5.2.zip"))
    return data


async def test_a_stored_file_is_sent_whole(port: Port, stored: bytes) -> None:
    client = await port.client()
    await client.ask("/")
    before = descriptors()
    for _ in range(3):
        response = await client.ask(TARGET)
        assert response.body == stored
    assert response.headers["content-length"] == str(len(stored))
    assert response.headers["etag"] == f'"{"cd" * 32}"'
    assert response.headers["last-modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    await port.settle(lambda: descriptors() == before)


@pytest.mark.parametrize(
    ("value", "start", "stop"),
    [("bytes=0-0", 0, 1), ("bytes=1000000-1999999", 1_000_000, 2_000_000), ("bytes=-5", 3 * MIB - 5, 3 * MIB)],
)
async def test_a_part_of_a_stored_file(port: Port, stored: bytes, value: str, start: int, stop: int) -> None:
    response = await port.ask(TARGET, Range=value, If_Range=f'"{"cd" * 32}"')
    assert (response.status, response.body) == (206, stored[start:stop])
    assert response.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(stored)}"


async def test_a_head_of_a_stored_file_opens_nothing(port: Port, stored: bytes) -> None:
    response = await port.ask(TARGET, "HEAD")
    assert (response.status, response.headers["content-length"]) == (200, str(len(stored)))


async def test_an_empty_file_is_sent(port: Port, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    answer(port, StoredBody(tmp_path / "empty"))
    response = await port.ask(TARGET)
    assert (response.status, response.headers["content-length"], response.body) == (200, "0", b"")


async def test_a_file_that_has_gone_still_gets_its_true_status(port: Port, tmp_path: Path) -> None:
    class Gone(StoredBody):
        """Vanishes between the look and the opening."""

        def fileno(self) -> int | None:
            raise Unavailable(reason="the file is gone", trouble=Trouble.OURS)

    (tmp_path / "x").write_bytes(b"x")
    answer(port, Gone(tmp_path / "x"))
    assert (await port.ask(TARGET)).status == 503


async def test_a_file_that_became_shorter_is_cut(port: Port, tmp_path: Path) -> None:
    class Shrunk(StoredBody):
        """Says that it is longer than it is."""

        size = 2 * MIB

    (tmp_path / "x").write_bytes(content(MIB))
    answer(port, Shrunk(tmp_path / "x"))
    before = descriptors()
    client = await port.client()
    await client.send(request(TARGET))
    with pytest.raises(asyncio.IncompleteReadError):
        await client.response()
    await client.close()
    assert port.logged.entries[0][0] == "response_cut"
    assert descriptors() == before


async def test_a_growing_body_of_known_length_is_sent_as_it_comes(port: Port) -> None:
    body = GrowingBody([content(MIB), b"end"], size=MIB + 3)
    answer(port, body)
    response = await port.ask(TARGET)
    assert response.headers["content-length"] == str(MIB + 3)
    assert response.body == content(MIB) + b"end"
    await port.settle(lambda: body.closed == 1)


class GrowingFile(GrowingBody):
    """A local file of which more is released than was read."""

    def __init__(self, path: Path, data: bytes, released: int) -> None:
        super().__init__([], len(data))
        path.write_bytes(data)
        self.path, self.data, self.released = path, data, released
        self.opened: list[int] = []

    async def open(self, start: int = 0, stop: int | None = None) -> Reader:
        self.opened.append(start)
        return Pieces([self.data[at : at + 100_000] for at in range(start, self.size or 0, 100_000)], self)

    def fileno(self) -> int:
        return os.open(self.path, os.O_RDONLY)


@pytest.mark.parametrize("released", [5 * MIB, 4 * MIB, 200_000])
async def test_what_a_client_is_behind_with_goes_below_the_transport(port: Port, tmp_path: Path, released: int) -> None:
    data = content(5 * MIB)
    body = GrowingFile(tmp_path / "part", data, released)
    answer(port, body)
    client = await port.client(limit=4096)
    await client.ask("/")
    before = descriptors()
    for _ in range(2):
        await client.send(request(TARGET))
    for _ in range(2):
        assert (await client.response()).body == data
    await port.settle(lambda: descriptors() == before)
    await port.settle(lambda: body.closed == len(body.opened))
    behind = [] if released == 200_000 else [released]
    assert body.opened == [0, *behind] * 2
    assert (await client.ask("/healthz")).status == 200


async def test_a_growing_file_that_is_given_up_is_cut(port: Port, tmp_path: Path) -> None:
    data = content(16 * MIB)
    answer(port, GrowingFile(tmp_path / "part", data, 15 * MIB))
    client = await port.client(limit=4096)
    await client.send(request(TARGET))
    await client.reader.readexactly(150_000)
    os.truncate(tmp_path / "part", 0)
    assert len(await client.reader.read()) < 15 * MIB
    assert port.logged.entries[0][0] == "response_cut"


async def test_a_growing_body_of_unknown_length_is_sent_in_chunks(port: Port) -> None:
    answer(port, GrowingBody([b"abc", b"x" * 100_000, b"end"]))
    client = await port.client()
    response = await client.ask(TARGET)
    assert response.headers["transfer-encoding"] == "chunked"
    assert response.body == b"abc" + b"x" * 100_000 + b"end"
    assert (await client.ask("/")).status == 200


async def test_to_http_1_0_a_body_of_unknown_length_ends_with_the_connection(port: Port) -> None:
    answer(port, GrowingBody([b"abc", b"end"]))
    client = await port.client()
    await client.send(f"GET {TARGET} HTTP/1.0\r\n\r\n".encode())
    response = await client.response()
    assert "transfer-encoding" not in response.headers
    assert response.body == b"abcend"


async def test_a_growing_body_that_fails_at_once_gets_its_true_status(port: Port) -> None:
    body = GrowingBody([Corrupt(asked=str(ZIP), reason="it has a second go.mod")])
    answer(port, body)
    response = await port.ask(TARGET)
    assert (response.status, body.closed) == (502, 1)
    assert "it has a second go.mod" in response.text


@pytest.mark.parametrize("size", [None, 500_000])
@pytest.mark.parametrize("error", [Corrupt(reason="late"), Unavailable(reason="late"), ValueError("late")])
async def test_a_growing_body_that_fails_later_is_cut(port: Port, size: int | None, error: Exception) -> None:
    body = GrowingBody([b"x" * 100_000, b"y" * 100_000, error], size=size)
    answer(port, body)
    client = await port.client()
    await client.send(request(TARGET))
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await client.response()
    await port.settle(lambda: bool(port.logged.entries))
    assert port.logged.entries[0][0] == "response_cut"
    assert "late" in str(port.logged.entries[0][1])
    assert body.closed == 1


async def test_a_client_that_leaves_in_the_middle_closes_the_body(port: Port, stored: bytes) -> None:
    before = descriptors()
    client = await port.client()
    await client.send(request(TARGET))
    await client.reader.readexactly(100)
    client.writer.transport.abort()
    await port.settle(lambda: port.listener.connections == 0 and not port.edge.tasks)
    await client.close()
    assert descriptors() == before
    assert port.logged.entries == []


async def test_a_part_of_a_growing_body_of_known_length(port: Port) -> None:
    class Ranged(GrowingBody):
        """Opens the range that it is asked for."""

        async def open(self, start: int = 0, stop: int | None = None) -> Any:
            return await GrowingBody([b"0123456789"[start:stop]]).open()

    answer(port, Ranged([], size=10))
    response = await port.ask(TARGET, Range="bytes=2-4")
    assert (response.status, response.body) == (206, b"234")


async def test_a_stored_file_over_tls(tmp_path: Path, authority: Authority) -> None:
    port = Port(tmp_path / "access.log", tls=Certificate(authority.cert, authority.key).context)
    await port.listener.start()
    data = content(3 * MIB)
    (tmp_path / "v1.5.2.zip").write_bytes(data)
    answer(port, StoredBody(tmp_path / "v1.5.2.zip"))
    client = await port.client(authority.trusting)
    assert (await client.ask(TARGET)).body == data
    await port.close()

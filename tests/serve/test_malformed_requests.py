"""What is no request is answered 4xx and hung up on, whatever it is, and costs nobody else anything."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modgate.gomod import ModulePath
from modgate.observe.families import MALFORMED
from modgate.serve.protocol import DRAINED
from modgate.source.base import Ask, Kind
from tests.serve.fakes import Port, request

LIST = Ask(Kind.LIST, ModulePath("rsc.io/quote"))
GOOD = request("/")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),  # a TLS client on a plain port
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (b"GET /a b HTTP/1.1\r\n\r\n", 400),
        (b"GET /\x00 HTTP/1.1\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\n\r\n", 400),
        (b"GET \\..\\x HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA : b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: \x00\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -3\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET /" + b"a" * 8192 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET /" + b"a" * 1_000_000, 414),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * 34_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * 1_000_000, 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 101 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 100_000, 431),
    ],
)
async def test_what_is_no_request_is_answered_and_the_connection_ends(port: Port, data: bytes, status: int) -> None:
    client = await port.client()
    await client.send(data)
    response = await client.response()
    assert response.status == status
    assert response.headers["connection"] == "close"
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.text.startswith("refused: ")
    assert await client.is_closed()
    assert port.count(MALFORMED)[()] == 1
    assert port.source.asked == []
    assert port.logged.entries == []


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 99 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"b" * 31_000 + b"\r\n\r\n",
        b"GET /?" + b"a" * 8000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://gw.example HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
async def test_large_but_legal_requests_are_answered(port: Port, data: bytes) -> None:
    client = await port.client()
    await client.send(data)
    assert (await client.response()).status == 200
    await client.send(GOOD)
    assert (await client.response()).status == 200


async def test_good_requests_before_a_bad_one_are_answered_first(port: Port) -> None:
    port.source.hold = asyncio.Event()
    client = await port.client()
    await client.send(GOOD + request("/rsc.io/quote/@v/list") + b"nonsense\r\n\r\n" + GOOD)
    await port.settle(lambda: port.source.waiting == 1)
    port.source.hold.set()
    assert [(await client.response()).status for _ in range(3)] == [200, 404, 400]
    assert await client.is_closed()


async def test_what_follows_the_end_of_a_connection_is_not_looked_at(port: Port) -> None:
    client = await port.client()
    await client.send(request("/", Connection="close") + GOOD + b"nonsense\r\n")
    assert (await client.response()).headers["connection"] == "close"
    assert await client.is_closed()


@pytest.mark.parametrize("upgrade", ["h2c", "websocket"])
async def test_another_protocol_is_not_spoken(port: Port, upgrade: str) -> None:
    client = await port.client()
    await client.send(request("/", Connection="Upgrade", Upgrade=upgrade) + b"\x81\x00\x00")
    response = await client.response()
    assert (response.status, response.headers["connection"]) == (200, "close")
    assert await client.is_closed()


async def test_a_tunnel_is_refused(port: Port) -> None:
    client = await port.client()
    await client.send(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n")
    assert (await client.response()).status == 405
    assert await client.is_closed()


async def test_nobody_is_told_to_continue(port: Port) -> None:
    client = await port.client()
    await client.send(request("/", "PUT", Expect="100-continue", Content_Length="10"))
    assert (await client.response()).status == 405
    await client.send(b"0123456789")
    assert await client.is_closed()


async def test_a_large_body_sees_its_response_and_is_not_read_to_the_end(port: Port) -> None:
    client = await port.client()
    await client.send(request("/", "POST", Content_Length=str(10 * DRAINED)) + b"x" * 100_000)
    assert (await client.response()).status == 405
    try:
        while True:
            await client.send(b"x" * 100_000)
    except ConnectionError:
        pass
    await port.settle(lambda: port.listener.connections == 0)


async def test_a_chunked_body_that_breaks_its_framing_ends_the_connection(port: Port) -> None:
    client = await port.client()
    await client.send(request("/", "POST", Transfer_Encoding="chunked"))
    assert (await client.response()).status == 405
    await client.send(b"nonsense\r\n")
    assert await client.is_closed()


async def test_a_bug_in_a_callback_is_ours_and_is_logged(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("lost")

    monkeypatch.setattr(port.table, "find", broken)
    client = await port.client()
    await client.send(GOOD)
    response = await client.response()
    assert response.status == 500
    assert "lost" not in response.text
    assert [event for event, _ in port.logged.entries] == ["connection_failed"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.one_of(st.binary(max_size=60), st.just(GOOD), st.just(b"GET / HTTP/1.1\r\n")), max_size=8))
async def test_arbitrary_bytes_disturb_nobody(port: Port, pieces: list[bytes]) -> None:
    client = await port.client()
    try:
        for piece in pieces:
            await client.send(piece)
    except ConnectionError:
        pass
    client.writer.transport.abort()
    assert (await port.ask("/")).status == 200
    assert port.logged.entries == []

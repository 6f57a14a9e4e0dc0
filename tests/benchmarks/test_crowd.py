"""A client of a crowd knows where its answer ends, however it was cut on its way."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from benchmarks.load.crowd import Client

TOLD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"


@pytest.fixture
def line() -> Iterator[socket.socket]:
    with socket.socket() as made:
        yield made


@pytest.mark.parametrize("answer", [TOLD, CHUNKED], ids=["told", "chunked"])
@pytest.mark.parametrize("step", range(1, 80, 3))
def test_the_end_is_seen_at_the_last_byte_and_not_before(line: socket.socket, answer: bytes, step: int) -> None:
    client = Client(line, asked=0.0)
    pieces = [memoryview(answer)[start : start + step] for start in range(0, len(answer), step)]
    ends = [client.take(piece) for piece in pieces]
    assert ends == [False] * (len(pieces) - 1) + [True]
    assert client.status == 200
    assert 0 < client.first_byte <= client.seconds


def test_a_connection_that_ends_is_an_end(line: socket.socket) -> None:
    client = Client(line, asked=0.0)
    assert not client.take(memoryview(b"HTTP/1.1 200 OK\r\n\r\nhel"))
    assert not client.take(memoryview(b"lo"))
    assert client.take(memoryview(b""))
    assert client.received == 5

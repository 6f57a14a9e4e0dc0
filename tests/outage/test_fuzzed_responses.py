"""Whatever bytes an upstream sends, clients get an answer in good form, and the gateway goes on."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.outage.trouble import KINDS, Publish, answers_to, expect_whole, published
from tests.world import Gateway, Request, Upstream
from tests.world.delivery import Delivery

FIRST = [
    *(b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK", b"HTTP/1.1 200", b"HTTP/1.1 206 Partial Content", b"HTTP/1.1 302 Found"),
    *(b"HTTP/1.1 503 \xff\xfe", b"HTTP/1.1 000 x", b"HTTP/1.1 1000 x", b"HTTP/1.1 -1 x", b"HTTP/9.9 200 OK"),
    *(b"HTTP/1.1 100 Continue", b"HTTP/1.1 101 Switching Protocols", b"\r\nHTTP/1.1 200 OK", b"ICY 200 OK"),
]
HEADERS = [
    *(b"Content-Length: 5", b"Content-Length: 0", b"Content-Length: 99999999999999999999", b"Content-Length: 5, 5"),
    *(b"Content-Length:", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Connection: close"),
    *(b"Connection: upgrade\r\nUpgrade: h2c", b"Location: /x", b"Location: //[", b"Location: \xff\xfe"),
    *(b"Content-Encoding: gzip", b"Content-Encoding: \xff", b"Content-Type: \xff/\xfe; charset=\x80", b"ETag: \xff"),
    *(b'Content-Type: text/plain; charset="utf-8', b"Retry-After: \xd9\xa3", b"Set-Cookie: a=b", b": empty"),
    *(b"NoColon", b" folded", b"A" * 5000 + b": b", b"Content-Range: bytes 0-4/5", b"Content-Range: junk"),
]
BODIES = [
    *(b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n", b"ffffffffffffffffff\r\nx", b"\x00" * 1000),
    *(b"0\r\nTrailer: x\r\n\r\n", b"5;ext=\x01\r\nhello\r\n0\r\n\r\n", b"\x1f\x8b\x08\x00", b"not found: \xff"),
]


@pytest.mark.parametrize("seed", range(12))
def test_random_responses_end_as_trouble_or_as_what_they_say(
    gateway: Gateway, upstream: Upstream, publish: Publish, seed: int
) -> None:
    dice = random.Random(seed)

    def odd(_: Request, given: Delivery) -> Delivery:
        head = b"\r\n".join([dice.choice(FIRST), *dice.sample(HEADERS, dice.randrange(5))])
        end = dice.choice([b"\r\n\r\n", b"\n\n", b"\r\n", b""])
        return replace(given, raw=head + end + dice.choice([*BODIES, given.body]))

    upstream.misbehaves(odd)
    for kind, answer in answers_to(gateway, published(publish)).items():
        assert answer.status in {200, 502, 504}, (kind, answer)
    upstream.behaves()
    made = published(publish)
    assert made.keys() == set(KINDS)
    for kind, answer in answers_to(gateway, made).items():
        expect_whole(answer, made[kind], kind)

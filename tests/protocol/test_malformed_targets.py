"""Whatever stands in a request line, the answer is a 4xx in plain text, at once, and the gateway goes on."""

from __future__ import annotations

import random

import pytest

from tests.protocol.asking import expect_error
from tests.world import Gateway, Upstream

TRAVERSALS = [
    "/..",
    "/../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/%2E%2E%2Fetc%2Fpasswd",
    "/example.com/../../etc/passwd/@v/list",
    "/example.com/..%2f..%2fetc/@v/list",
    "/example.com/..%5c..%5cetc/@v/list",
    "/example.com/m/@v/..%2f..%2fv1.0.0.info",
    "/example.com/m/@v/../v1.0.0.info",
    "/example.com/m/@v/./list",
    "/example.com/m/@v/..list",
    "/example.com/m/@v/%2e%2e.info",
    "/cached-only/../example.com/m/@v/list",
    "/cached-only//example.com/m/@v/list",
    "/sumdb/../sum.example.com/latest",
    "/sumdb/sum.example.com/../latest",
    "/sumdb/sum.example.com/lookup/..%2f..@v1.0.0",
    "/sumdb/sum.example.com/tile/8/0/../../latest",
    "//example.com/m/@v/list",
    "/example.com//m/@v/list",
    "/example.com/m//@v/list",
    "/example.com/m/@v//list",
    "/example.com/m/@v/list/",
    "/example.com/m/@latest/",
    "/./example.com/m/@v/list",
    "/...",
]
ODD = [
    "/%",
    "/%0",
    "/%zz",
    "/%00",
    "/example.com/m%00/@v/list",
    "/example.com/m/@v/v1.0.0%00.info",
    "/example.com/m/@v/v1.0.0.info%00",
    "/example.com/m/@v/v1.0.0.info%0d%0aX-Evil:%201",
    "/example.com/m%0a/@v/list",
    "/example.com/m%7f/@v/list",
    "/example.com/m%c2%85/@v/list",
    "/example.com/m%ff/@v/list",
    "/example.com/m%c0%af/@v/list",
    "/example.com/m%ed%a0%80/@v/list",
    "/example.com/%F0%9F%92%A9/@v/list",
    "/example.com/m%2f@v/list",
    "/example.com/m/@v%2flist",
    "/example.com/m/@v/feature%2fx.info",
    "/example.com/m/@v/list#fragment",
    "#",
    "?",
    "example.com/m/@v/list",
    "*",
    "http://",
    "http:/x",
    "ftp://example.com/x",
    "http://gateway.example/../x",
    "/" + "a" * 9000,
    "/example.com/" + "a/" * 4500 + "@v/list",
    "/example.com/m/@v/" + "%61" * 3000 + ".info",
    "/example.com/m/@v/list?" + "q" * 9000,
    "/example.com/" + "!a" * 3000 + "/@v/list",
    "/" + "/" * 5000,
    "/sumdb/",
    "/sumdb//",
    "/sumdb/sum.example.com/",
    "/cached-only/",
    "/\\..\\..\\etc",
    "/example.com/m/@v/v1.0.0.info;jsessionid=1",
    "/{example.com}/m/@v/list",
    "/<script>alert(1)</script>",
    '/"/@v/list',
]


@pytest.mark.parametrize("target", TRAVERSALS + ODD)
def test_a_malformed_target_is_the_clients_fault(gateway: Gateway, upstream: Upstream, target: str) -> None:
    before = upstream.asked
    for method in ("GET", "HEAD"):
        with gateway.connect() as connection:
            connection.sends(f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode("latin-1"))
            answer = connection.answer(method=method)
        assert 400 <= answer.status < 500, answer
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        if method == "GET":
            expect_error(answer, answer.status)
            assert "root:" not in answer.text
        assert "x-evil" not in answer.headers
        assert answer.headers["x-request-id"]
    assert upstream.asked == before


@pytest.mark.parametrize("target", ["/" + "a" * 9000, "/example.com/m/@v/list?" + "q" * 9000])
def test_a_target_that_is_too_long_is_414(gateway: Gateway, target: str) -> None:
    with gateway.connect() as connection:
        connection.sends(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        expect_error(connection.answer(), 414, "refused: ")


ALPHABET = [
    *"/@!%._-~+ab0AZ:;?&=,",
    *("/@v/", "/@latest", ".info", ".mod", ".zip", "list", "v1.0.0", "example.com", "sumdb/", "sum.example.com/"),
    *("lookup/", "tile/8/", "0/", "x001/", "000", ".p/1", "cached-only/", "%2e", "%2F", "%00", "%41", "%21", "%c3%b6"),
    *("supported", "latest", "golang.org/toolchain", "\x01", "\x80", "\xff", " ", '"', "\\", "|", "{", "health", "m"),
]


@pytest.mark.parametrize("seed", range(4))
def test_no_target_at_all_is_a_server_error(gateway: Gateway, seed: int) -> None:
    """Random targets out of the pieces that mean something, a thousand on a few connections."""
    dice = random.Random(seed)
    connection = gateway.connect()
    for _ in range(250):
        target = "/" + "".join(dice.choices(ALPHABET, k=dice.randrange(1, 12)))
        connection.sends(b"GET " + target.encode("latin-1") + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = connection.answer()
        assert answer.status < 500, (target, answer)
        if answer.headers.get("connection") == "close":
            connection.close()
            connection = gateway.connect()
    connection.close()
    assert gateway.get("readyz").status == 200

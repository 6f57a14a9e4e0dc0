"""Only GET and HEAD are answered; nothing can be written through this gateway."""

from __future__ import annotations

import pytest

from tests.protocol.asking import expect_error
from tests.world import Connection, Gateway, Upstream, get

TARGETS = [
    "",
    "example.com/m/@v/list",
    "example.com/m/@v/v1.0.0.zip",
    "example.com/m/@latest",
    "cached-only/example.com/m/@v/list",
    "sumdb/sum.example.com/supported",
    "sumdb/sum.example.com/lookup/example.com/m@v1.0.0",
    "sumdb/other.example.com/latest",
    "health/ready",
    "healthz",
    "version",
    "no-such-view/x",
    "..%2f",
    "*",
]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "LOCK", "PURGE"])
def test_other_methods_are_405_on_every_endpoint(gateway: Gateway, upstream: Upstream, method: str) -> None:
    before = upstream.asked
    for target in TARGETS:
        answer = gateway.get(target, method=method)
        assert answer.headers["allow"] == "GET, HEAD", target
        expect_error(answer, 405, f"refused: {method} ")
    assert upstream.asked == before


@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("target", ["", "metrics", "health/ready", "api/purge"])
def test_the_admin_port_is_read_only_too(gateway: Gateway, method: str, target: str) -> None:
    answer = get(f"{gateway.admin_url}/{target}", method=method)
    assert answer.headers["allow"] == "GET, HEAD"
    expect_error(answer, 405, f"refused: {method} ")


@pytest.mark.parametrize("method", ["get", "Get", "GETT", "FOO", "M-GET"])
def test_methods_that_nobody_has_heard_of_are_other_methods_too(gateway: Gateway, method: str) -> None:
    answer = gateway.get("healthz", method=method)
    assert answer.headers["allow"] == "GET, HEAD"
    expect_error(answer, 405, "refused: only GET and HEAD ")


@pytest.mark.parametrize("method", ["G\u00cbT", "GET,HEAD", "(GET)", ""])
def test_what_is_no_method_is_no_request(gateway: Gateway, method: str) -> None:
    assert gateway.get("healthz", method=method).status == 400


def test_connect_opens_no_tunnel(gateway: Gateway, upstream: Upstream) -> None:
    with gateway.connect() as connection:
        connection.sends(f"CONNECT 127.0.0.1:{upstream.port} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert connection.answer().status in {400, 405}
        connection.sends(b"GET /tunnelled HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.rest()
    assert not upstream.asked_for("tunnelled")


def test_the_body_of_a_request_means_nothing(gateway: Gateway) -> None:
    with gateway.connect() as connection:
        connection.sends(b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd")
        assert connection.answer().status == 200
        connection.sends(b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")
        assert connection.answer().status == 405
        connection.asks("healthz")
        assert connection.answer().status == 200


def test_a_method_in_disguise_stays_what_it_is(gateway: Gateway) -> None:
    assert gateway.get("healthz", X_HTTP_Method_Override="DELETE").status == 200
    with Connection(gateway.url) as connection:
        connection.asks("example.com/m/@v/list", method="POST", headers={"X-HTTP-Method-Override": "GET"})
        assert connection.answer().status == 405

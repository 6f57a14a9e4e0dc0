"""Redirects of an upstream are followed as the go command would, and no further (protocol.md §1.1)."""

from __future__ import annotations

import pytest

from tests.outage.trouble import (
    LARGE,
    Publish,
    answers_to,
    body_of,
    expect_trouble,
    expect_whole,
    published,
    target_of,
)
from tests.world import Gateway, Module, Request, Upstream, World, faults
from tests.world.delivery import Delivery


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(world: World, code: int) -> None:
    module = Module("example.com/Moved", "v1.0.0", payload=LARGE)
    mirror, upstream = world.upstream([module]), world.upstream()
    mirror.branch(module.path, "main", "v1.0.0")
    gateway = world.gateway(upstream)
    upstream.misbehaves(faults.redirects(f"{mirror.url}/{{path}}", code=code))
    for kind in ("list", "latest", "query", "info", "mod", "large zip"):
        expect_whole(gateway.get(target_of(module, kind).replace("Moved", "!moved")), module, kind)
    # The name goes on as it was sent.
    assert all("%21moved" in request.target for request in mirror.requests)


def test_a_head_is_followed_as_a_head(world: World) -> None:
    module = Module("example.com/m", "v1.0.0", payload=LARGE)
    mirror, upstream = world.upstream([module]), world.upstream()
    gateway = world.gateway(upstream)
    upstream.misbehaves(faults.redirects(f"{mirror.url}/{{path}}"))
    answer = gateway.get(f"{module.name}.zip", method="HEAD")
    assert (answer.status, answer.headers["content-length"]) == (200, str(len(module.zip_bytes)))
    assert [request.method for request in mirror.requests] == ["HEAD"]


def hops(upstream: Upstream, module: Module, count: int) -> None:
    """Let the .mod of `module` stand behind so many redirects."""

    def hop(request: Request, given: Delivery) -> Delivery:
        done = int(request.target.partition("?hop=")[2] or 0)
        if done == count:
            return given
        return faults.redirects(f"/{module.name}.mod?hop={done + 1}")(request, given)

    upstream.misbehaves(hop, on=f"{module.name}.mod")


@pytest.mark.parametrize("count", [1, 2, 9])
def test_nine_hops_are_well(gateway: Gateway, upstream: Upstream, publish: Publish, count: int) -> None:
    module = publish()
    hops(upstream, module, count)
    assert gateway.get(f"{module.name}.mod").body == module.mod_bytes


def test_eleven_are_not_and_a_circle_ends(gateway: Gateway, upstream: Upstream, publish: Publish) -> None:
    for count in (11, 10**6):
        module = publish()
        hops(upstream, module, count)
        expect_trouble(gateway.get(f"{module.name}.mod"), 502)
        assert upstream.asked_for(f"{module.name}.mod") <= 22


@pytest.mark.parametrize(
    "location",
    [
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/plain,v1.0.0",
        "gopher://127.0.0.1:1/x",
        "unix:///var/run/x.sock",
        "http://",
        "http:///x",
        "http://[bad/x",
        "http://[::1",
        "http://127.0.0.1:99999/x",
        "http://127.0.0.1:port/x",
        "http://127.0.0.1:-1/x",
        "http://\u2100.example/x",
        "http://127.0.0.1:1/x",
        "//",
        "https://[v1.x]/",
        "\x7f\x01\x02",
    ],
)
def test_where_nobody_can_go_is_trouble_of_the_upstream(
    gateway: Gateway, upstream: Upstream, publish: Publish, location: str
) -> None:
    made = published(publish)
    upstream.misbehaves(faults.redirects(location.encode().decode("latin-1")))
    for answer in answers_to(gateway, made).values():
        expect_trouble(answer, 502)
    upstream.behaves()
    for kind, answer in answers_to(gateway, made).items():
        expect_whole(answer, made[kind], kind)


@pytest.mark.parametrize("location", ["/mirror/\u00e9 {path}", "mirror/x?a=b&c=%20d", "./../x", "?x=y z", ""])
def test_an_odd_location_is_asked_as_the_go_command_would(
    gateway: Gateway, upstream: Upstream, publish: Publish, location: str
) -> None:
    module = publish()
    target = f"{module.name}.mod"
    upstream.misbehaves(faults.redirects(location.encode().decode("latin-1")), on=target, times=1)
    upstream.forgets()
    answer = gateway.get(target)
    assert answer.status in {200, 404}
    assert upstream.asked == 2
    assert upstream.requests[1].target.isascii()
    assert " " not in upstream.requests[1].target


def test_a_redirect_without_a_location_is_no_answer(gateway: Gateway, upstream: Upstream, publish: Publish) -> None:
    upstream.misbehaves(faults.status(302))
    for answer in answers_to(gateway, published(publish)).values():
        expect_trouble(answer, 502)
    upstream.behaves()


def test_https_never_becomes_http(world: World) -> None:
    module = Module("example.com/m", "v1.0.0")
    plain, secure = world.upstream([module]), world.upstream([module], tls=world.certificate())
    gateway = world.gateway(secure)
    assert gateway.get(f"{module.name}.info").status == 200
    secure.misbehaves(faults.redirects(f"{plain.url}/{{path}}"))
    expect_trouble(gateway.get(f"{module.name}.mod"), 502)
    assert plain.asked == 0


def test_a_certificate_that_nobody_vouches_for_is_trouble(world: World) -> None:
    secure = world.upstream({"example.com/m": ["v1.0.0"]}, tls=world.certificate())
    nobody = world.home / "empty.pem"
    nobody.write_text("")
    gateway = world.gateway(secure, environ={"SSL_CERT_FILE": str(nobody)})
    answer = gateway.get("example.com/m/@v/list")
    expect_trouble(answer, 502)
    assert "TLS" in answer.text
    assert secure.asked == 0


def test_a_plain_server_behind_an_https_url_is_trouble(world: World) -> None:
    world.certificate()
    plain = world.upstream({"example.com/m": ["v1.0.0"]})
    gateway = world.gateway(plain.url.replace("http:", "https:"), deadlines={"connect": "1s"})
    expect_trouble(gateway.get("example.com/m/@v/list"), 502, 504)


def test_a_continuation_starts_at_the_upstream_again(world: World) -> None:
    """A redirect to a store of objects carries a signature that may have run out by then."""
    module = Module("example.com/m", "v1.0.0", payload=LARGE)
    mirror, upstream = world.upstream([module]), world.upstream()
    gateway = world.gateway(upstream)
    upstream.misbehaves(faults.redirects(f"{mirror.url}/{{path}}"))
    mirror.misbehaves(faults.cuts(after=100_000), times=1)
    answer = gateway.get(f"{module.name}.zip")
    assert (answer.cut, answer.body) == (False, body_of(module, "zip"))
    assert (upstream.asked, mirror.asked) == (2, 2)
    # What the client library had read and not handed on when the connection ended is asked for once more.
    assert 0 < int(mirror.requests[1].headers["range"].removeprefix("bytes=").removesuffix("-")) <= 100_000

"""Upstreams are reached through the proxies that the settings or the environment name, and in no other way."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from modgate.errors import Unavailable
from tests.hosts.tables import asked, asks, outward
from tests.world import Module, Upstream, WayOut, World
from tests.world.server import LOOPBACK

NAME = "modules.corp.example"
MODULE = Module("example.com/m", "v1.0.0", payload=100_000)
KINDS = ("http", "socks5")


def url_of(upstream: Upstream, name: str = NAME) -> str:
    """A file of an upstream under a name that only proxies know."""
    return upstream.url.replace(LOOPBACK, name) + f"/{MODULE.name}.mod"


async def trouble(world: World, url: str, *tables: dict[str, object], **environ: str) -> str:
    """Why there is no answer."""
    with pytest.raises(Unavailable) as caught:
        await asks(world, url, *tables, environ=environ)
    return caught.value.reason


@pytest.mark.parametrize("user", ["", "robot:s3cr3t"])
@pytest.mark.parametrize("kind", KINDS)
async def test_an_upstream_is_reached_by_its_proxy(world: World, kind: str, user: str) -> None:
    upstream = world.upstream([MODULE])
    proxy = world.way_out(kind, names={NAME: upstream.port}, user=user)  # type: ignore[arg-type]  # one of the two
    assert await asks(world, url_of(upstream), {"match": NAME, "proxy": proxy.url}) == (200, MODULE.mod_bytes)
    assert len(proxy.asked) == 1 and NAME in proxy.asked[0]


@pytest.mark.parametrize("kind", KINDS)
async def test_an_https_upstream_is_reached_by_a_tunnel(world: World, kind: str) -> None:
    upstream = world.upstream([MODULE], tls=world.certificate())
    proxy = world.way_out(kind)  # type: ignore[arg-type]  # one of the two
    table = {"match": LOOPBACK, "proxy": proxy.url, "ca": world.authority()}
    assert await asks(world, url_of(upstream, LOOPBACK), table) == (200, MODULE.mod_bytes)
    assert proxy.asked == [f"{LOOPBACK}:{upstream.port}"]


async def test_many_requests_at_once_share_what_there_is(world: World) -> None:
    upstream = world.upstream([MODULE], tls=world.certificate())
    proxy = world.way_out("socks5")
    async with outward(world, {"match": LOOPBACK, "proxy": proxy.url, "ca": world.authority()}) as opened:
        client = opened.client()
        answers = await asyncio.gather(*(asked(client, url_of(upstream, LOOPBACK)) for _ in range(40)))
        again = await asked(client, url_of(upstream, LOOPBACK))
    assert {body for _, body in [*answers, again]} == {MODULE.mod_bytes}
    assert len(proxy.asked) <= 40  # the last one has taken a connection that was there


async def test_the_next_proxy_is_taken_when_one_cannot_be_reached(world: World) -> None:
    upstream = world.upstream([MODULE])
    first, second = world.way_out(), world.way_out("socks5", names={NAME: upstream.port})
    first.goes_down()
    status, _ = await asks(world, url_of(upstream), {"match": NAME, "proxy": [first.url, second.url]})
    assert (status, len(second.asked)) == (200, 1)


async def test_the_first_proxy_is_taken_again_when_it_comes_back_and_the_other_goes(world: World) -> None:
    upstream = world.upstream([MODULE])
    names = {NAME: upstream.port}
    first, second = world.way_out(names=names), world.way_out("socks5", names=names)
    async with outward(world, {"match": NAME, "proxy": [first.url, second.url]}) as opened:
        client = opened.client()
        first.goes_down()
        await asked(client, url_of(upstream))
        first.comes_back()
        second.goes_down()
        assert (await asked(client, url_of(upstream)))[0].status == 200
    assert (len(first.asked), len(second.asked)) == (1, 1)


async def test_a_proxy_whose_name_is_unknown_is_one_that_cannot_be_reached(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream, proxy = world.upstream([MODULE]), world.way_out()
    lookup = socket.getaddrinfo

    def unknown(host: str, *arguments: Any, **named: Any) -> Any:
        if host == "gone.corp.example":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return lookup(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    for scheme in KINDS:
        table = {"match": LOOPBACK, "proxy": [f"{scheme}://gone.corp.example:1", proxy.url]}
        assert (await asks(world, url_of(upstream, LOOPBACK), table))[0] == 200


async def test_direct_may_stand_behind_a_proxy(world: World) -> None:
    upstream, proxy = world.upstream([MODULE]), world.way_out()
    proxy.goes_down()
    table = {"match": LOOPBACK, "proxy": [proxy.url, "direct"]}
    assert (await asks(world, url_of(upstream, LOOPBACK), table))[0] == 200


@pytest.mark.parametrize("kind", KINDS)
async def test_no_way_is_gone_but_by_the_proxy(world: World, kind: str) -> None:
    upstream = world.upstream([MODULE])
    proxy = world.way_out(kind, user="robot:s3cr3t")  # type: ignore[arg-type]  # one of the two
    proxy.goes_down()
    told = await trouble(world, url_of(upstream, LOOPBACK), {"match": LOOPBACK, "proxy": proxy.url})
    assert f"was not reached: its proxy {kind}://{LOOPBACK}:{proxy.port} does not answer" in told
    assert "s3cr3t" not in told
    assert upstream.asked == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_a_proxy_that_wants_another_password_is_told_of_without_it(world: World, kind: str) -> None:
    upstream = world.upstream([MODULE], tls=world.certificate())
    proxy = world.way_out(kind, user="robot:right")  # type: ignore[arg-type]  # one of the two
    table = {"match": LOOPBACK, "proxy": proxy.url.replace("right", "wr0ng"), "ca": world.authority()}
    told = await trouble(world, url_of(upstream, LOOPBACK), table)
    assert f"its proxy {kind}://{LOOPBACK}:{proxy.port} " in told and "wr0ng" not in told
    assert ("answered 407" in told) == (kind == "http")
    assert upstream.asked == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_a_host_that_the_proxy_cannot_reach_is_the_proxys_to_tell(world: World, kind: str) -> None:
    upstream = world.upstream([MODULE], tls=world.certificate())
    proxy = world.way_out(kind)  # type: ignore[arg-type]  # one of the two
    told = await trouble(world, url_of(upstream), {"match": NAME, "proxy": proxy.url})
    assert "its proxy" in told and "answered" in told


async def test_the_environment_names_proxies_as_for_the_go_command(world: World) -> None:
    upstream = world.upstream([MODULE])
    proxy = world.way_out(names={NAME: upstream.port})
    for environ in ({"HTTP_PROXY": proxy.url}, {"http_proxy": f"{LOOPBACK}:{proxy.port}"}):
        assert (await asks(world, url_of(upstream), environ=environ))[0] == 200
    here = url_of(upstream, LOOPBACK)  # this machine is asked by no proxy
    assert (await asks(world, here, environ={"HTTP_PROXY": "http://127.0.0.1:1"}))[0] == 200


async def test_what_a_host_says_wins_over_the_environment(world: World) -> None:
    upstream = world.upstream([MODULE])
    proxy = world.way_out(names={NAME: upstream.port})
    environ = {"HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": "*"}
    table = {"match": "*.corp.example", "proxy": proxy.url}
    assert (await asks(world, url_of(upstream), table, environ=environ))[0] == 200


async def test_a_proxy_sees_no_credentials_of_what_is_encrypted(world: World) -> None:
    upstream = world.upstream([MODULE], tls=world.certificate())
    with WayOut() as proxy:
        table = {"match": LOOPBACK, "proxy": proxy.url, "token": "s3cr3t", "ca": world.authority()}
        assert (await asks(world, url_of(upstream, LOOPBACK), table))[0] == 200
        assert not any("s3cr3t" in head for head in proxy.heads) and proxy.heads
    assert upstream.requests[0].headers["authorization"] == "Bearer s3cr3t"


@pytest.mark.parametrize("kind", KINDS)
async def test_the_certificate_is_still_that_of_the_upstream(world: World, kind: str) -> None:
    upstream = world.upstream([MODULE], tls=world.certificate())
    proxy = world.way_out(kind)  # type: ignore[arg-type]  # one of the two
    told = await trouble(world, url_of(upstream, LOOPBACK), {"match": LOOPBACK, "proxy": proxy.url})
    assert "trustme" in told and "host.ca" in told
    assert upstream.asked == 0

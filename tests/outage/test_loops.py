"""Gateways that point at each other notice it, whoever of them is asked."""

from __future__ import annotations

import socket
import time

import pytest

from tests.outage.trouble import KINDS, target_of
from tests.world import Gateway, Module, Response, World, at_once, faults


def free_port() -> int:
    """A port that was free a moment ago: a gateway in a circle has to know the next one before that one starts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def circle(world: World, count: int) -> list[Gateway]:
    """Gateways of which each asks the next one, and the last one the first."""
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(count)]
    return [
        world.gateway(f"http://{following}", listen=own, checksum_database=("sum.example.com",))
        for own, following in zip(addresses, [*addresses[1:], addresses[0]], strict=True)
    ]


def expect_loop(answer: Response) -> None:
    assert answer.status == 508, answer
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.startswith("refused: ")
    assert len(answer.body) <= 600


@pytest.mark.parametrize("count", [2, 3])
def test_a_circle_of_gateways_is_508_at_once(world: World, count: int) -> None:
    gateways = circle(world, count)
    began = time.monotonic()
    for number, kind in enumerate(KINDS):
        module = Module(f"example.com/m{number}", "v1.0.0")
        expect_loop(gateways[number % count].get(target_of(module, kind)))
    expect_loop(gateways[0].get("sumdb/sum.example.com/latest"))
    assert time.monotonic() - began < 5
    for gateway in gateways:
        # Each of the questions went round once.
        assert len(gateway.access_log()) <= 2 * (len(KINDS) + 2)
        assert gateway.get("readyz").status == 200


def test_many_questions_at_once_end_too(world: World) -> None:
    gateways = circle(world, 2)
    answers = at_once(20, lambda number: gateways[0].get(f"example.com/m{number}/@v/list"))
    assert {answer.status for answer in answers} == {508}


def test_a_gateway_that_asks_itself_in_disguise_is_508(world: World) -> None:
    mirror = world.upstream()
    gateway = world.gateway(mirror)
    mirror.misbehaves(faults.redirects(f"{gateway.url}/{{path}}"))
    for number, kind in enumerate(KINDS):
        expect_loop(gateway.get(target_of(Module(f"example.com/m{number}", "v1.0.0"), kind)))


def test_what_has_passed_once_is_refused_even_if_it_is_stored(world: World) -> None:
    module = Module("example.com/m", "v1.0.0")
    upstream = world.upstream([module])
    gateway = world.gateway(upstream)
    gateway.get(f"{module.name}.mod")
    own = upstream.requests[0].headers["via"]
    for via in (own, f"1.1 proxy.corp.example, {own}", f"{own}, 1.0 other (a comment)", own.upper()):
        expect_loop(gateway.get(f"{module.name}.mod", via=via))
    for via in ("1.1 modgate-0123456789abcdef", "1.1 proxy.corp.example", "", ",,,", "modgate"):
        assert gateway.get(f"{module.name}.mod", via=via).status == 200


def test_the_name_in_the_circle_outlives_a_restart(world: World) -> None:
    upstream = world.upstream({"example.com/m": ["v1.0.0"]})
    first = world.gateway(upstream)
    first.get("example.com/m/@v/list")
    first.stop()
    second = world.gateway(upstream, data=first.data)
    second.get("example.com/m/@latest")
    third = world.gateway(upstream)
    third.get("example.com/m/@latest")
    names = [request.headers["via"] for request in upstream.requests]
    assert names[0] == names[1] != names[2]
    assert socket.gethostname() not in names[0]


def test_names_of_other_gateways_are_handed_on_and_those_of_strangers_not(world: World) -> None:
    upstream = world.upstream()
    gateway = world.gateway(upstream)
    gateway.get("example.com/m/@v/list", via="1.1 modgate-00ff, 1.0 proxy.corp.example, 1.1 modgate-abcd")
    gateway.get("example.com/n/@v/list", via=", ".join(f"1.1 modgate-{number:x}" for number in range(1000)))
    first, second = (request.headers["via"] for request in upstream.requests)
    assert first.startswith("1.1 modgate-00ff, 1.1 modgate-abcd, 1.1 modgate-")
    assert "corp" not in first
    assert len(second) < 1000


def test_a_chain_of_gateways_that_is_no_circle_works(world: World) -> None:
    module = Module("example.com/m", "v1.0.0", payload=200_000)
    upstream = world.upstream([module])
    inner = world.gateway(upstream)
    outer = world.gateway(inner.url)
    assert outer.get(f"{module.name}.zip").body == module.zip_bytes
    assert outer.get(f"{module.path}/@v/list").text == "v1.0.0\n"
    assert outer.get("example.com/none/@v/list").status == 404
    assert upstream.requests[0].headers["via"].count("modgate-") == 2

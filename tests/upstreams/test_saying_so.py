"""An upstream that says itself that it is unavailable is believed at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.outage.trouble import expect_trouble
from tests.world import Module, World, eventually
from tests.world.faults import Fault

BREAKER = {"failures": 1000, "probe_every": "100ms"}


def says(status: int, value: str = "unavailable") -> Fault:
    return lambda _, given: replace(given, status=status, headers={**given.headers, "X-Go-Proxy-Status": value})


@pytest.mark.parametrize("status", [200, 404, 403, 503])
def test_the_header_opens_the_breaker_whatever_the_status_is(world: World, status: int) -> None:
    module = Module("example.com/m", "v1.0.0")
    first, second = world.upstream([module]), world.upstream([module])
    gateway = world.gateway(f"{first.url}|{second.url}", breaker=BREAKER)
    first.misbehaves(says(status))
    for ending in ("info", "mod", "zip"):
        assert gateway.get(f"{module.name}.{ending}").status == 200
        assert second.asked_for(ending) == 1
        assert gateway.metric("modgate_upstream_up", upstream=first.url) == 0
    assert "says that it is unavailable" in gateway.log_text()
    first.behaves()
    eventually(lambda: gateway.metric("modgate_upstream_up", upstream=first.url) == 1, "its return is seen")


@pytest.mark.parametrize("status", [200, 404])
def test_such_an_answer_is_never_kept(world: World, status: int) -> None:
    module = Module("example.com/m", "v1.0.0")
    upstream = world.upstream([module])
    gateway = world.gateway(upstream, breaker=BREAKER)
    upstream.misbehaves(says(status))
    expect_trouble(gateway.get(f"{module.path}/@v/list"))
    expect_trouble(gateway.get(f"{module.name}.mod"))
    upstream.behaves()
    eventually(lambda: gateway.get(f"{module.name}.mod").body == module.mod_bytes, "it is asked again")
    assert gateway.get(f"{module.path}/@v/list").text == "v1.0.0\n"


def test_any_other_word_means_nothing(world: World) -> None:
    module = Module("example.com/m", "v1.0.0")
    upstream = world.upstream([module])
    gateway = world.gateway(upstream, breaker=BREAKER)
    upstream.misbehaves(says(200, "ok"))
    assert gateway.get(f"{module.name}.mod").body == module.mod_bytes


def test_one_gateway_believes_another_one_that_is_not_ready(world: World) -> None:
    """What a gateway says at its root, when it cannot get anything new, is what its health check reads."""
    module = Module("example.com/m", "v1.0.0")
    origin = world.upstream([module])
    inner = world.gateway(origin, breaker={"failures": 1, "probe_every": "100ms"})
    outer = world.gateway(
        f"{inner.url}|{origin.url}",
        health_check={"path": "./", "every": "100ms", "rise": 1, "fall": 1, "header": "x-mirror-status: ok"},
    )
    origin.goes_down()
    inner.get("example.com/m/@v/list")
    eventually(lambda: outer.metric("modgate_upstream_healthy", upstream=inner.url) == 0, "it is seen")
    origin.comes_back()
    eventually(lambda: outer.metric("modgate_upstream_healthy", upstream=inner.url) == 1, "its return is seen")
    assert outer.get(f"{module.name}.mod").body == module.mod_bytes

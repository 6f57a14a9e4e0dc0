"""An upstream that is known to be dead is not waited for again, and is used as soon as it is back."""

from __future__ import annotations

import time

import pytest

from tests.outage.trouble import expect_trouble
from tests.world import Gateway, Module, Upstream, World, at_once, eventually, faults
from tests.world.faults import Fault

BREAKER = {"failures": 2, "probe_every": "100ms", "probe_timeout": "1s"}
QUICK = 0.5
"""Seconds: an answer that waits for nobody, on a busy machine."""


def seconds_of(gateway: Gateway, target: str) -> float:
    began = time.monotonic()
    gateway.get(target)
    return time.monotonic() - began


def opened(world: World, gateway: Gateway, upstream: Upstream) -> None:
    """Ask until the upstream is given up."""
    for number in range(3):
        gateway.get(f"example.com/opening{number}/@v/v1.0.0.info")
    assert gateway.metric("modgate_upstream_up", upstream=upstream.url) == 0


@pytest.mark.parametrize("fault", [faults.status(503), faults.hangs_up(), faults.garbage()])
def test_a_dead_upstream_is_skipped(world: World, fault: Fault) -> None:
    dead, spare = world.upstream({"example.com/m": ["v1.0.0"]}), world.upstream({"example.com/m": ["v1.0.0"]})
    # A probe may ask for what a client has just wanted.
    gateway = world.gateway(f"{dead.url}|{spare.url}", breaker={**BREAKER, "probe_every": "1h"})
    dead.misbehaves(fault)
    opened(world, gateway, dead)
    assert gateway.get("example.com/m/@v/v1.0.0.mod").status == 200
    assert not dead.asked_for("example.com/m/@v/v1.0.0.mod")


@pytest.mark.parametrize("fault", [faults.status(503), faults.hangs_up(), faults.garbage(), None])
def test_the_return_of_a_dead_upstream_is_seen(world: World, fault: Fault | None) -> None:
    dead, spare = world.upstream({"example.com/m": ["v1.0.0"]}), world.upstream({"example.com/m": ["v1.0.0"]})
    gateway = world.gateway(f"{dead.url}|{spare.url}", breaker=BREAKER)
    if fault is None:
        dead.goes_down()
    else:
        dead.misbehaves(fault)
    opened(world, gateway, dead)
    assert gateway.get("example.com/m/@v/v1.0.0.mod").status == 200
    dead.behaves()
    dead.comes_back() if fault is None else None
    eventually(lambda: gateway.metric("modgate_upstream_up", upstream=dead.url) == 1, "the return is seen", within=3)
    dead.forgets()
    assert gateway.get("example.com/m/@v/v1.0.0.zip").status == 200
    assert dead.asked_for("zip") == 1
    assert "upstream_down" in gateway.log_text()
    assert "upstream_up" in gateway.log_text()


@pytest.mark.parametrize("status", [502, 503, 504])
def test_by_default_the_third_failure_in_a_row_opens_it(world: World, status: int) -> None:
    upstream = world.upstream({"example.com/m": ["v1.0.0"]})
    gateway = world.gateway(upstream)
    upstream.misbehaves(faults.status(status))
    for number, is_up in enumerate((1, 1, 0)):
        expect_trouble(gateway.get(f"example.com/m{number}/@v/list"))
        assert gateway.metric("modgate_upstream_up", upstream=upstream.url) == is_up


def test_a_hanging_upstream_costs_its_deadline_twice_and_then_nothing(world: World) -> None:
    module = Module("example.com/m", "v1.0.0")
    hanging, spare = world.upstream([module]), world.upstream([module])
    gateway = world.gateway(f"{hanging.url}|{spare.url}", breaker=BREAKER, deadlines={"first_byte": "1s"})
    gate = hanging.hangs()
    slow = [seconds_of(gateway, f"example.com/slow{number}/@v/list") for number in range(2)]
    assert min(slow) > 0.9
    assert seconds_of(gateway, f"{module.name}.mod") < QUICK
    assert gateway.get(f"{module.name}.zip").status == 200
    gate.open()


def test_alone_and_dead_it_is_503_at_once_with_a_time_to_come_again(world: World) -> None:
    module = Module("example.com/m", "v1.0.0")
    upstream = world.upstream([module])
    gateway = world.gateway(upstream, breaker=BREAKER)
    upstream.goes_down()
    opened(world, gateway, upstream)
    began = time.monotonic()
    answer = gateway.get(f"{module.name}.mod")
    assert time.monotonic() - began < QUICK
    expect_trouble(answer, 503)
    assert upstream.url in answer.text
    upstream.comes_back()
    eventually(lambda: gateway.get(f"{module.name}.mod").status == 200, "it is used again", within=3)


@pytest.mark.parametrize("status", [404, 403, 401, 429, 400, 500])
def test_what_concerns_one_module_opens_nothing(world: World, status: int) -> None:
    upstream = world.upstream({"example.com/m": ["v1.0.0"]})
    gateway = world.gateway(upstream, breaker={"failures": 1})
    upstream.misbehaves(faults.status(status), on="example.com/bad*")
    for number in range(3):
        gateway.get(f"example.com/bad{number}/@v/list")
    assert gateway.get("example.com/m/@v/list").status == 200


def test_a_healthy_answer_in_between_starts_the_count_anew(world: World) -> None:
    upstream = world.upstream({f"example.com/m{number}": ["v1.0.0"] for number in range(10)})
    gateway = world.gateway(upstream, breaker={"failures": 3, "probe_every": "10s"})
    upstream.misbehaves(faults.status(503), on="example.com/bad*")
    for number in range(4):
        for odd in range(2):
            gateway.get(f"example.com/bad{number}{odd}/@v/list")
        assert gateway.get(f"example.com/m{number}/@v/list").status == 200


def test_a_probe_asks_for_what_failed_and_not_for_the_root(world: World) -> None:
    upstream = world.upstream({"example.com/m": ["v1.0.0"]})
    gateway = world.gateway(upstream, breaker=BREAKER)
    upstream.misbehaves(faults.status(503), on="example.com/*")
    opened(world, gateway, upstream)
    upstream.forgets()
    upstream.wait_until_asked(3)
    assert {request.path for request in upstream.requests} <= {
        f"example.com/opening{number}/@v/v1.0.0.info" for number in range(3)
    }


@pytest.mark.parametrize(
    "location", ["http://[bad", "http://127.0.0.1:99999/", "http://a b/", "\x7f", "http://\u2100/"]
)
def test_a_probe_that_is_answered_oddly_does_not_end_the_gateway(world: World, location: str) -> None:
    module = Module("example.com/m", "v1.0.0")
    upstream = world.upstream([module])
    gateway = world.gateway(upstream, breaker={**BREAKER, "failures": 1})
    upstream.misbehaves(faults.redirects(location.encode().decode("latin-1")))
    upstream.misbehaves(faults.status(503), times=2)
    expect_trouble(gateway.get(f"{module.name}.mod"))
    upstream.forgets()
    upstream.wait_until_asked(3)
    assert gateway.get("healthz").status == 200
    upstream.behaves()
    eventually(lambda: gateway.get(f"{module.name}.mod").status == 200, "it is used again", within=3)


def test_modules_that_hang_for_ever_do_not_keep_a_healthy_upstream_closed(world: World) -> None:
    """The go command asks for every prefix of an import path: one slow host behind a mirror is several failures."""
    upstream = world.upstream({"example.com/m": ["v1.0.0"]})
    gateway = world.gateway(upstream, breaker=BREAKER, deadlines={"first_byte": "1s"})
    upstream.hangs(on="example.com/bad*")
    answers = at_once(4, lambda number: gateway.get(f"example.com/bad{'/x' * number}/@v/list"))
    assert {answer.status for answer in answers} == {504}
    eventually(lambda: gateway.get("example.com/m/@v/list").status == 200, "the others are served", within=5)


def test_what_is_stored_is_served_while_everything_is_down(world: World) -> None:
    module = Module("example.com/m", "v1.0.0", payload=200_000)
    upstream = world.upstream([module])
    gateway = world.gateway(upstream, breaker=BREAKER)
    targets = [f"{module.path}/@v/list", *(f"{module.name}.{extension}" for extension in ("info", "mod", "zip"))]
    before = [gateway.get(target).body for target in targets]
    upstream.goes_down()
    opened(world, gateway, upstream)
    assert [gateway.get(target).body for target in targets] == before

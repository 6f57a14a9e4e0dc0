"""Behind `|` a source that hangs is not waited for: the next one is asked too, and the first good answer counts."""

from __future__ import annotations

import time

import pytest

from tests.outage.trouble import KINDS, LARGE, body_of, expect_trouble, target_of
from tests.world import Database, Gateway, Module, Response, Upstream, World, eventually, faults

PATIENT = {"first_byte": "60s", "hedge": "200ms"}
"""Whoever waited for the first one would wait for a minute."""
LONG = 30.0
"""Seconds: less than the minute, and more than any busy machine needs."""


def published(*upstreams: Upstream) -> dict[str, Module]:
    """A module for each kind of question, on all of them."""
    made = {kind: Module(f"example.com/{kind.replace(' ', '')}", "v1.0.0", payload=LARGE) for kind in KINDS}
    for upstream in upstreams:
        upstream.publishes(*made.values())
        for module in made.values():
            upstream.branch(module.path, "main", module.version)
    return made


def timed(gateway: Gateway, target: str, **options: str) -> tuple[Response, float]:
    began = time.monotonic()
    return gateway.get(target, **options), time.monotonic() - began


def test_one_that_hangs_costs_every_kind_of_question_a_moment(world: World) -> None:
    first, second = world.upstream(), world.upstream()
    made = published(first, second)
    gateway = world.gateway(f"{first.url}|{second.url}", deadlines=PATIENT, breaker={"failures": 1000})
    first.hangs()
    for kind, module in made.items():
        answer, seconds = timed(gateway, target_of(module, kind))
        assert (answer.status, answer.body) == (200, body_of(module, kind)), kind
        assert seconds < LONG


def test_by_default_a_switch_costs_a_second(world: World) -> None:
    module = Module("example.com/m", "v1.0.0")
    first, second = world.upstream([module]), world.upstream([module])
    gateway = world.gateway(f"{first.url}|{second.url}")
    first.hangs()
    answer, seconds = timed(gateway, f"{module.name}.mod")
    assert answer.body == module.mod_bytes
    assert 0.9 < seconds < 12.0, "a deadline would have been 15 s"


def test_a_head_request_too(world: World) -> None:
    module = Module("example.com/m", "v1.0.0", payload=LARGE)
    first, second = world.upstream([module]), world.upstream([module])
    gateway = world.gateway(f"{first.url}|{second.url}", deadlines=PATIENT)
    first.hangs()
    answer, seconds = timed(gateway, f"{module.name}.zip", method="HEAD")
    assert (answer.status, answer.headers["content-length"]) == (200, str(len(module.zip_bytes)))
    assert seconds < LONG


def test_behind_a_comma_a_hang_costs_its_deadline(world: World) -> None:
    module = Module("example.com/m", "v1.0.0")
    first, second = world.upstream([module]), world.upstream([module])
    gateway = world.gateway(f"{first.url},{second.url}", deadlines={"first_byte": "1s", "hedge": "200ms"})
    first.hangs()
    expect_trouble(gateway.get(f"{module.name}.mod"), 504)
    assert second.asked == 0


def test_a_hedge_of_0_waits_for_the_deadline(world: World) -> None:
    module = Module("example.com/m", "v1.0.0")
    first, second = world.upstream([module]), world.upstream([module])
    gateway = world.gateway(f"{first.url}|{second.url}", deadlines={"first_byte": "1s", "hedge": "0s"})
    first.hangs()
    answer, seconds = timed(gateway, f"{module.name}.mod")
    assert answer.body == module.mod_bytes
    assert seconds >= 1.0


def test_a_healthy_first_source_causes_no_request_elsewhere(world: World) -> None:
    first, second = world.upstream(), world.upstream()
    made = published(first, second)
    gateway = world.gateway(f"{first.url}|{second.url}", deadlines={"hedge": "30s"})
    for kind, module in made.items():
        assert gateway.get(target_of(module, kind)).status == 200
    assert second.asked == 0


def test_the_loser_is_called_off_and_leaves_no_connection_behind(world: World) -> None:
    module = Module("example.com/m", "v1.0.0", payload=LARGE)
    first, second = world.upstream([module]), world.upstream([module])
    gateway = world.gateway(f"{first.url}|{second.url}", deadlines=PATIENT, breaker={"failures": 1000})
    gate = first.hangs(on="example.com/m*")
    assert gateway.get(f"{module.name}.zip").body == module.zip_bytes
    connections = open_to(gateway, first)
    gate.open()
    eventually(lambda: not connections & open_to(gateway, first), "the connection of the loser is closed")


def open_to(gateway: Gateway, upstream: Upstream) -> set[int]:
    """Our ports of the connections to an upstream."""
    found = gateway.processes[0].net_connections("tcp")
    return {one.laddr.port for one in found if one.status == "ESTABLISHED" and one.raddr.port == upstream.port}


def test_what_only_the_slow_one_has_is_waited_for(world: World) -> None:
    module = Module("example.com/m", "v1.0.0")
    first, second = world.upstream([module]), world.upstream()
    gateway = world.gateway(f"{first.url}|{second.url}", deadlines=PATIENT)
    first.misbehaves(faults.slow_first_byte(1.0))
    assert gateway.get(f"{module.name}.mod").body == module.mod_bytes
    assert second.asked == 1


def test_absence_is_believed_only_when_everybody_has_spoken(world: World) -> None:
    first, second = world.upstream(), world.upstream()
    gateway = world.gateway(f"{first.url}|{second.url}", deadlines={"first_byte": "1s", "hedge": "200ms"})
    first.hangs()
    expect_trouble(gateway.get("example.com/m/@v/v1.0.0.mod"), 504)
    assert second.asked == 1


def test_one_that_hangs_for_ever_is_given_up_though_every_ask_of_it_is_called_off(world: World) -> None:
    modules = [Module(f"example.com/m{number}", "v1.0.0") for number in range(6)]
    first, second = world.upstream(modules), world.upstream(modules)
    gateway = world.gateway(
        f"{first.url}|{second.url}",
        deadlines={"first_byte": "1s", "hedge": "100ms"},
        breaker={"failures": 2, "probe_every": "100ms", "probe_timeout": "1s"},
    )
    first.hangs()
    for module in modules[:3]:
        assert gateway.get(f"{module.name}.mod").body == module.mod_bytes
    eventually(lambda: gateway.metric("modgate_upstream_up", upstream=first.url) == 0, "it is given up")
    first.behaves()
    eventually(lambda: gateway.metric("modgate_upstream_up", upstream=first.url) == 1, "its return is seen")
    second.forgets()
    assert gateway.get(f"{modules[4].name}.mod").body == modules[4].mod_bytes
    assert second.asked == 0


def test_a_slow_but_healthy_one_stays_in_use(world: World) -> None:
    modules = [Module(f"example.com/m{number}", "v1.0.0") for number in range(4)]
    first, second = world.upstream(modules), world.upstream(modules)
    gateway = world.gateway(
        f"{first.url}|{second.url}",
        deadlines={"hedge": "100ms"},
        breaker={"failures": 1, "probe_every": "100ms"},
    )
    first.misbehaves(faults.slow_first_byte(2.0))
    for module in modules:
        assert gateway.get(f"{module.name}.mod").body == module.mod_bytes
    first.wait_until_asked(5)  # at least one of them was examined
    assert gateway.metric("modgate_upstream_up", upstream=first.url) == 1


# Checksum databases.


@pytest.fixture
def database(world: World) -> Database:
    return world.database()


def test_a_checksum_that_hangs_costs_a_moment_too(world: World, database: Database) -> None:
    module = Module("example.com/m", "v1.0.0")
    first, second = world.upstream([module], database=database), world.upstream([module], database=database)
    gateway = world.gateway(f"{first.url}|{second.url}", checksum=database.key, deadlines=PATIENT)
    first.hangs(on="sumdb/*")
    answer, seconds = timed(gateway, f"{module.name}.zip")
    assert answer.body == module.zip_bytes
    assert seconds < LONG


def test_checksums_that_fail_do_not_take_the_modules_with_them(world: World, database: Database) -> None:
    modules = [Module(f"example.com/m{number}", "v1.0.0") for number in range(8)]
    first, second = world.upstream(modules, database=database), world.upstream(modules, database=database)
    gateway = world.gateway(
        f"{first.url}|{second.url}",
        checksum=database.key,
        breaker={"failures": 2, "probe_every": "100ms"},
        deadlines={"hedge": LONG},
    )
    first.misbehaves(faults.status(503), on="sumdb/*")
    for module in modules[:6]:
        assert gateway.get(f"{module.name}.mod").body == module.mod_bytes
    assert gateway.metric("modgate_upstream_checksums_up", upstream=first.url) == 0
    assert gateway.metric("modgate_upstream_up", upstream=first.url) == 1
    assert second.asked_for("*.mod") == 0
    first.behaves()
    eventually(lambda: gateway.metric("modgate_upstream_checksums_up", upstream=first.url) == 1, "its return is seen")


def test_modules_that_fail_do_not_take_the_checksums_with_them(world: World, database: Database) -> None:
    modules = [Module(f"example.com/m{number}", "v1.0.0") for number in range(4)]
    first, second = world.upstream(modules, database=database), world.upstream(modules)
    gateway = world.gateway(
        f"{first.url}|{second.url}", checksum=database.key, breaker={"failures": 2, "probe_every": "10s"}
    )
    first.misbehaves(faults.status(503), on="example.com/*")
    for module in modules:
        assert gateway.get(f"{module.name}.mod").body == module.mod_bytes
    assert gateway.metric("modgate_upstream_up", upstream=first.url) == 0
    assert gateway.metric("modgate_upstream_checksums_up", upstream=first.url) == 1


# Somebody who builds.


def test_a_build_goes_on_while_the_first_upstream_hangs_and_after_it_is_back(world: World, database: Database) -> None:
    lib = Module("example.com/lib", "v1.0.0", files={"lib.go": "package lib\n\nconst N = 1\n"})
    newer = Module("example.com/lib", "v1.1.0", files={"lib.go": "package lib\n\nconst N = 2\n"})
    first, second = (world.upstream([lib, newer], database=database) for _ in range(2))
    gateway = world.gateway(
        f"{first.url}|{second.url}",
        checksum=database.key,
        deadlines={"first_byte": "2s", "hedge": "200ms"},
        breaker={"probe_every": "100ms"},
    )
    main = 'package main\n\nimport "example.com/lib"\n\nfunc main() { println(lib.N) }\n'
    first.hangs()
    go = world.go(gateway, sumdb=database.key)
    app = go.project("app", {"main.go": main})
    go.run("get", "example.com/lib@v1.0.0", cwd=app)
    go.run("build", "./...", cwd=app)
    first.behaves()
    eventually(lambda: gateway.metric("modgate_upstream_up", upstream=first.url) == 1, "it is in use")
    go.run("get", "example.com/lib@v1.1.0", cwd=app)
    go.run("build", "./...", cwd=app)
    assert f"{lib.path} v1.1.0 {newer.h1}" in (app / "go.sum").read_text()

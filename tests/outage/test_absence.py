"""That something does not exist is remembered for a short time, and only where an upstream has said so."""

from __future__ import annotations

from functools import partial

import pytest

from tests.outage.trouble import KINDS, Publish, expect_trouble, expect_whole, target_of
from tests.world import Gateway, Module, Upstream, World, eventually, faults

AGES = {
    "absent_path": ("list",),
    "absent_latest": ("latest",),
    "absent_version": ("query", "info", "mod", "zip", "large zip"),
}
"""Which setting decides how long the absence of what is remembered."""


@pytest.mark.parametrize("setting", AGES)
def test_absence_holds_for_its_time_and_then_is_asked_about_again(world: World, setting: str) -> None:
    upstream = world.upstream()
    gateway = world.gateway(upstream, freshness={"public": {**dict.fromkeys(AGES, "1h"), setting: 1}})
    made = {kind: Module(f"example.com/m{number}", "v1.0.0") for number, kind in enumerate(KINDS)}
    targets = {kind: target_of(module, kind) for kind, module in made.items()}
    for target in targets.values():
        assert gateway.get(target).status == 404
        answer = gateway.get(target)
        assert (answer.status, answer.cache) == (404, "hit")
        assert upstream.asked_for(target) == 1
    for module in made.values():
        upstream.publishes(module)
        upstream.branch(module.path, "main", module.version)
    for kind in AGES[setting]:
        eventually(partial(exists, gateway, targets[kind]), "the time is over", within=5)
        expect_whole(gateway.get(targets[kind]), made[kind], kind)
    for kind in KINDS:
        assert exists(gateway, targets[kind]) is (kind in AGES[setting])


def test_an_age_of_zero_remembers_nothing(world: World) -> None:
    upstream = world.upstream()
    gateway = world.gateway(upstream, freshness={"public": dict.fromkeys(AGES, 0)}, breaker={"failures": 1000})
    for number, kind in enumerate(KINDS):
        module = Module(f"example.com/m{number}", "v1.0.0")
        target = target_of(module, kind)
        for times in range(3):
            assert gateway.get(target).status == 404
            assert upstream.asked_for(target) == times + 1
        upstream.misbehaves(faults.status(503))
        expect_trouble(gateway.get(target))
        upstream.behaves()
        assert gateway.get(target).status == 404
        upstream.publishes(module)
        upstream.branch(module.path, "main", module.version)
        expect_whole(gateway.get(target), module, kind)


def test_no_cache_looks_again(world: World) -> None:
    upstream = world.upstream()
    gateway = world.gateway(upstream)
    module = Module("example.com/m", "v1.0.0")
    assert gateway.get(f"{module.path}/@v/list").status == 404
    upstream.publishes(module)
    assert gateway.get(f"{module.path}/@v/list").status == 404
    eventually(
        lambda: gateway.get(f"{module.path}/@v/list", cache_control="no-cache").status == 200, "a second", within=5
    )
    assert gateway.get(f"{module.path}/@v/list").status == 200


def test_one_kind_of_absence_says_nothing_of_the_others(gateway: Gateway, upstream: Upstream, publish: Publish) -> None:
    module = publish()
    for kind in ("list", "latest", "info", "mod"):
        upstream.misbehaves(faults.status(404), on=target_of(module, kind), times=1)
        assert gateway.get(target_of(module, kind)).status == 404
    expect_whole(gateway.get(target_of(module, "zip")), module, "zip")


def test_the_words_of_absence_are_remembered_with_it(world: World) -> None:
    upstream = world.upstream()
    gateway = world.gateway(upstream)
    upstream.misbehaves(faults.status(404, "not found: no such repository"))
    for _ in range(3):
        for target in ("example.com/m/@v/list", "example.com/m/@v/v1.0.0.mod", "example.com/m/@v/v1.0.0.zip"):
            assert gateway.get(target).text == "not found: no such repository"
    assert upstream.asked == 3


def test_absence_is_forgotten_when_the_gateway_ends(world: World) -> None:
    upstream = world.upstream()
    first = world.gateway(upstream)
    assert first.get("example.com/m/@v/list").status == 404
    first.stop()
    upstream.publishes(Module("example.com/m", "v1.0.0"))
    second = world.gateway(upstream, data=first.data)
    assert second.get("example.com/m/@v/list").status == 200


def test_two_gateways_on_one_store_tell_each_other_what_exists_after_all(world: World) -> None:
    upstream = world.upstream()
    ages = {"public": {"absent_path": "1h", "absent_latest": "1h", "absent_version": "1h"}}
    one = world.gateway(upstream, freshness=ages)
    other = world.gateway(upstream, data=one.data, freshness=ages)
    module = Module("example.com/m", "v1.0.0")
    targets = [target_of(module, kind) for kind in ("list", "info", "mod", "zip")]
    assert {one.get(target).status for target in targets} == {404}
    upstream.publishes(module)
    for target in reversed(targets):
        assert other.get(target).status == 200
        eventually(partial(exists, one, target), f"{target} is there", within=5)


def exists(gateway: Gateway, target: str) -> bool:
    return gateway.get(target).status == 200


def test_a_version_ends_the_absence_of_its_module_in_every_process(world: World) -> None:
    upstream = world.upstream()
    ages = {"public": {"absent_path": "1h", "absent_version": 0}}
    one = world.gateway(upstream, freshness=ages)
    other = world.gateway(upstream, data=one.data, freshness=ages)
    module = Module("example.com/m", "v1.0.0")
    assert not exists(one, f"{module.path}/@v/list")
    upstream.publishes(module)
    assert exists(other, f"{module.name}.mod")
    eventually(partial(exists, one, f"{module.path}/@v/list"), "the list is asked for again", within=2)

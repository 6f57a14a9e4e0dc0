"""Who asks the cache only is answered from it, or told at once that it has nothing; no upstream hears of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.protocol.asking import expect_error, kept
from tests.world import Gateway, Module, Response, Upstream, World, eventually

Ask = Callable[[Gateway, str], Response]

WAYS: dict[str, Ask] = {
    "path": lambda gateway, target: gateway.get(f"cached-only/{target}"),
    "header": lambda gateway, target: gateway.get(target, disable_module_fetch="true"),
    "both": lambda gateway, target: gateway.get(f"cached-only/{target}", Disable_Module_Fetch="True"),
    "head": lambda gateway, target: gateway.get(f"cached-only/{target}", method="HEAD"),
    "no-cache": lambda gateway, target: gateway.get(f"cached-only/{target}", cache_control="no-cache"),
}

KINDS = ["@v/list", "@latest", "@v/main.info", "@v/v1.0.0.info", "@v/v1.0.0.mod", "@v/v1.0.0.zip"]


@pytest.fixture(scope="module")
def module(upstream: Upstream) -> Module:
    module = Module("example.com/CachedOnly", "v1.0.0", payload=100_000)
    upstream.publishes(module)
    upstream.branch(module.path, "main", "v1.0.0")
    return module


@pytest.mark.parametrize("way", WAYS)
def test_a_miss_is_404_and_asks_nobody(gateway: Gateway, upstream: Upstream, way: str) -> None:
    module = Module(f"example.com/uncached/{way}", "v1.0.0")
    upstream.publishes(module)
    upstream.branch(module.path, "main", "v1.0.0")
    upstream.forgets()
    for kind in KINDS:
        for _ in range(2):
            answer = WAYS[way](gateway, f"{module.path}/{kind}")
            assert (answer.status, answer.headers["cache-control"]) == (404, "no-store")
            if way != "head":
                expect_error(answer, 404, f"not found: {module.path}")
    assert upstream.asked == 0
    # and it was not remembered as absence
    assert gateway.get(f"{module.name}.info").status == 200


@pytest.mark.parametrize("way", WAYS)
def test_a_hit_is_answered(gateway: Gateway, upstream: Upstream, module: Module, way: str) -> None:
    stem = module.name.partition("/@v/")[0]
    for kind in KINDS:
        whole = kept(gateway, f"{stem}/{kind}")
        upstream.forgets()
        answer = WAYS[way](gateway, f"{stem}/{kind}")
        assert (answer.status, answer.cache) == (200, "hit")
        assert answer.body == (b"" if way == "head" else whole.body)
        assert answer.headers["content-length"] == str(len(whole.body))
        assert upstream.asked == 0


def test_other_values_of_the_header_change_nothing(gateway: Gateway, upstream: Upstream) -> None:
    for number, value in enumerate(("false", "", "0", "no")):
        module = Module(f"example.com/fetched{number}", "v1.0.0")
        upstream.publishes(module)
        assert gateway.get(f"{module.name}.mod", disable_module_fetch=value).status == 200


def test_old_answers_are_good_enough(world: World) -> None:
    module = Module("example.com/aged", "v1.0.0")
    upstream = world.upstream([module])
    gateway = world.gateway(upstream, freshness={"public": {"fresh": 0, "stale": 0}})
    gateway.get(f"{module.path}/@v/list")
    upstream.goes_down()
    eventually(lambda: gateway.get(f"cached-only/{module.path}/@v/list").status == 200, "the list is stored")
    assert gateway.get(f"cached-only/{module.path}/@v/list").text == "v1.0.0\n"


def test_what_has_been_answered_once_is_in_the_cache(gateway: Gateway, upstream: Upstream) -> None:
    for number in range(20):
        module = Module(f"example.com/at-once{number}", "v1.0.0")
        upstream.publishes(module)
        for kind in ("@v/list", "@v/v1.0.0.info", "@v/v1.0.0.mod"):
            assert gateway.get(f"{module.path}/{kind}").status == 200
            assert gateway.get(f"cached-only/{module.path}/{kind}").status == 200


def test_remembered_absence_is_no_answer_of_the_cache_for_longer_than_it_holds(world: World) -> None:
    upstream = world.upstream()
    gateway = world.gateway(upstream)
    for _ in range(2):
        expect_error(gateway.get("example.com/none/@v/list"), 404)
        expect_error(gateway.get("cached-only/example.com/none/@v/list"), 404, "not found: ")
    assert upstream.asked == 1


def test_cached_only_works_twice_and_nowhere_else(gateway: Gateway, module: Module) -> None:
    expect_error(gateway.get(f"cached-only/cached-only/{module.name}.mod"), 404, "not found: ")
    expect_error(gateway.get(f"{module.path.lower()}/cached-only/@v/list"), 404)
    expect_error(gateway.get("cached-only"), 404, "not found: ")
    expect_error(gateway.get("cached-only/"), 400, "refused: ")


def test_the_answer_for_one_is_not_the_answer_for_the_other(gateway: Gateway, upstream: Upstream) -> None:
    module = Module("example.com/between", "v1.0.0")
    upstream.publishes(module)
    target = f"{module.name}.mod"
    assert [gateway.get(f"cached-only/{target}").status for _ in range(3)] == [404] * 3
    assert gateway.get(target).status == 200
    kept(gateway, target)
    assert [gateway.get(f"cached-only/{target}").status for _ in range(3)] == [200] * 3

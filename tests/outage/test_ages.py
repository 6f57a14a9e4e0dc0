"""Answers that may change are asked for again when their age says so, and are better than none when nobody answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from tests.outage.trouble import awaited, expect_trouble, kept, target_of
from tests.world import Gateway, Module, Response, Upstream, World, eventually, faults

pytestmark = pytest.mark.workers(1, 2, soak=4)

CHANGING = ["list", "latest", "query"]
NEVER = {"fresh": "1h", "stale": "1h", "keep": "1h"}


def publish(upstream: Upstream, version: str, path: str = "example.com/m") -> None:
    """Let everything that may change name `version`."""
    upstream.publishes(Module(path, version))
    upstream.branch(path, "main", version)


def versions(answer: Response) -> str:
    """The last version that an answer names."""
    assert answer.status == 200, answer
    return str(answer.json()["Version"]) if answer.body.startswith(b"{") else answer.text.split()[-1]


def is_about(version: str) -> Callable[[Response], bool]:
    return lambda answer: versions(answer) == version


def target(kind: str, path: str = "example.com/m") -> str:
    return target_of(Module(path, "v1.0.0"), kind)


def public(**ages: int | str) -> dict[str, dict[str, int | str]]:
    return {"public": ages}


def test_a_fresh_answer_is_not_asked_for_again(world: World) -> None:
    upstream = world.upstream()
    publish(upstream, "v1.0.0")
    gateway = world.gateway(upstream, freshness=public(**NEVER))
    for kind in CHANGING:
        kept(gateway, target(kind))
    publish(upstream, "v1.1.0")
    for kind in CHANGING * 3:
        answer = gateway.get(target(kind))
        assert (versions(answer), answer.cache) == ("v1.0.0", "hit")
    assert upstream.asked == len(CHANGING)


@pytest.mark.workers
def test_a_stale_answer_comes_at_once_and_is_refreshed_behind(world: World) -> None:
    upstream = world.upstream()
    publish(upstream, "v1.0.0")
    gateway = world.gateway(upstream, freshness=public(fresh=0, stale="1h"))
    for kind in CHANGING:
        gateway.get(target(kind))
    gateway.tidies_up()
    publish(upstream, "v1.1.0")
    gate = upstream.hangs()
    for kind in CHANGING * 5:  # nobody waits for the refreshes, and there is only one for each
        answer = gateway.get(target(kind))
        assert (versions(answer), answer.cache) == ("v1.0.0", "stale")
    gate.wait_for(len(CHANGING))
    assert upstream.asked == 2 * len(CHANGING)
    gate.open()
    for kind in CHANGING:
        awaited(partial(gateway.get, target(kind)), is_about("v1.1.0"), "the refresh is seen")


def test_an_old_answer_is_asked_for_first(world: World) -> None:
    upstream = world.upstream()
    publish(upstream, "v1.0.0")
    gateway = world.gateway(upstream, freshness=public(fresh=1, stale=1, keep="1h"))
    for kind in CHANGING:
        assert versions(gateway.get(target(kind))) == "v1.0.0"
    publish(upstream, "v1.1.0")
    for kind in CHANGING:
        answer = awaited(partial(gateway.get, target(kind)), is_about("v1.1.0"), "it is old")
        assert answer.cache == "refreshed"


TROUBLES = {
    "example.com/busy": ("list", faults.status(503)),
    "example.com/refused": ("list", faults.status(403)),
    "example.com/login": ("list", faults.login_page()),
    "example.com/rude": ("latest", faults.hangs_up()),
    "example.com/garbage": ("latest", faults.garbage()),
    "example.com/limited": ("query", faults.status(429)),
    "example.com/empty": ("query", faults.body(b"{}")),
}


def test_an_old_answer_is_better_than_trouble(world: World) -> None:
    upstream = world.upstream()
    gateway = world.gateway(upstream, freshness=public(fresh=0, stale=0, keep="1h"), breaker={"failures": 1000})
    targets = {path: target(kind, path) for path, (kind, _) in TROUBLES.items()}
    for path in TROUBLES:
        publish(upstream, "v1.0.0", path)
        assert versions(gateway.get(targets[path])) == "v1.0.0"
    gateway.tidies_up()
    for path, (_, fault) in TROUBLES.items():
        upstream.misbehaves(fault, on=f"{path}/*")
    for path in [*TROUBLES, *TROUBLES]:
        answer = gateway.get(targets[path])
        assert (versions(answer), answer.cache) == ("v1.0.0", "stale"), path
    upstream.goes_down()
    assert {versions(gateway.get(targets[path])) for path in TROUBLES} == {"v1.0.0"}
    upstream.behaves()
    upstream.comes_back()
    for path in TROUBLES:
        publish(upstream, "v1.1.0", path)
        assert versions(gateway.get(targets[path])) == "v1.1.0", path


def test_an_answer_that_is_too_old_is_none(world: World) -> None:
    upstream = world.upstream()
    publish(upstream, "v1.0.0")
    gateway = world.gateway(upstream, freshness=public(fresh=0, stale=0, keep=1), breaker={"failures": 1000})
    for kind in CHANGING:
        assert versions(gateway.get(target(kind))) == "v1.0.0"
    upstream.misbehaves(faults.status(500))
    for kind in CHANGING:
        answer = awaited(partial(gateway.get, target(kind)), lambda answer: answer.status != 200, "it is too old")
        expect_trouble(answer, 502)


def test_absence_that_everybody_states_is_not_hidden_by_an_old_answer(world: World) -> None:
    upstream = world.upstream()
    publish(upstream, "v1.0.0")
    gateway = world.gateway(upstream, freshness=public(fresh=0, stale=0, keep="1h"))
    for kind in CHANGING:
        gateway.get(target(kind))
    gateway.tidies_up()
    upstream.misbehaves(faults.status(404))
    for kind in CHANGING:
        assert gateway.get(target(kind)).status == 404


@pytest.mark.parametrize(
    "header", [{"cache_control": "no-cache"}, {"pragma": "no-cache"}, {"cache_control": "max-age=0, no-cache"}]
)
def test_no_cache_asks_at_most_once_a_second(world: World, header: dict[str, str]) -> None:
    upstream = world.upstream()
    publish(upstream, "v1.0.0")
    gateway = world.gateway(upstream, freshness=public(**NEVER))
    kept(gateway, target("list"))
    publish(upstream, "v1.1.0")
    answer = awaited(
        lambda: gateway.get(target("list"), **header),
        is_about("v1.1.0"),
        "the refresh is allowed",
    )
    assert answer.cache == "refreshed"
    before = upstream.asked
    for _ in range(5):
        assert versions(gateway.get(target("list"), **header)) == "v1.1.0"
    assert upstream.asked <= before + 1  # the second may have passed in between
    # and everybody else gets what came of it
    assert versions(gateway.get(target("list"))) == "v1.1.0"


def test_no_cache_falls_back_to_what_is_there(world: World) -> None:
    upstream = world.upstream()
    publish(upstream, "v1.0.0")
    gateway = world.gateway(upstream, freshness=public(**NEVER))
    kept(gateway, target("list"))
    upstream.goes_down()
    for _ in range(3):
        assert versions(gateway.get(target("list"), cache_control="no-cache")) == "v1.0.0"


@pytest.mark.workers
def test_no_cache_does_not_fetch_artifacts_again(world: World) -> None:
    module = Module("example.com/m", "v1.0.0", payload=100_000)
    upstream = world.upstream([module])
    gateway = world.gateway(upstream)
    for extension in ("info", "mod", "zip"):
        kept(gateway, f"{module.name}.{extension}")
        # Another worker may wait for the one that is still writing it down.
        assert gateway.get(f"{module.name}.{extension}", cache_control="no-cache").cache in {"hit", "coalesced"}
    assert upstream.asked == 3


@pytest.mark.parametrize("extension", ["info", "mod", "zip"])
def test_a_version_that_the_list_lacks_expires_the_list(world: World, extension: str) -> None:
    upstream = world.upstream()
    publish(upstream, "v1.0.0")
    gateway = world.gateway(upstream, freshness=public(**NEVER))
    kept(gateway, target("list"))
    gateway.tidies_up()
    publish(upstream, "v1.1.0")
    assert gateway.get(f"example.com/m/@v/v1.1.0.{extension}").status == 200
    eventually(lambda: versions(gateway.get(target("list"))) == "v1.1.0", "the list is asked for again")


@pytest.mark.workers
def test_a_list_that_has_just_come_is_expired_too(world: World) -> None:
    upstream = world.upstream()
    gateway = world.gateway(upstream, freshness=public(**NEVER))
    for number in range(10):
        path = f"example.com/m{number}"
        publish(upstream, "v1.0.0", path)
        assert versions(gateway.get(target("list", path))) == "v1.0.0"
        publish(upstream, "v1.1.0", path)
        assert gateway.get(f"{path}/@v/v1.1.0.mod").status == 200
    for number in range(10):
        eventually(partial(names, gateway, "v1.1.0", f"example.com/m{number}"), "the list is asked again", within=2)


@pytest.mark.workers(1)  # absence is remembered by each process for itself
def test_a_version_ends_the_absence_of_its_module(world: World) -> None:
    upstream = world.upstream()
    gateway = world.gateway(upstream, freshness=public(absent_path="1h", absent_version=0))
    assert gateway.get(target("list")).status == 404
    publish(upstream, "v1.0.0")
    assert gateway.get(target("list")).status == 404
    assert gateway.get("example.com/m/@v/v1.0.0.info").status == 200
    eventually(lambda: gateway.get(target("list")).status == 200, "the list is asked for again")


def test_a_pseudo_version_expires_no_list(world: World) -> None:
    upstream = world.upstream()
    publish(upstream, "v1.0.0")
    gateway = world.gateway(upstream, freshness=public(**NEVER))
    kept(gateway, target("list"))
    pseudo = Module("example.com/m", "v1.0.1-0.20240101000000-abcdef123456")
    upstream.publishes(pseudo)
    kept(gateway, f"{pseudo.name}.mod")
    assert gateway.get(target("list")).cache == "hit"
    assert upstream.asked_for("list") == 1


def private_gateway(world: World, upstream: Upstream) -> Gateway:
    return world.gateway(upstream, private="corp.example", breaker={"failures": 1000})


@pytest.mark.workers
def test_a_new_private_tag_is_visible_at_once_and_an_outage_stops_nobody(world: World) -> None:
    upstream = world.upstream()
    gateway = private_gateway(world, upstream)
    for version in ("v1.0.0", "v1.1.0", "v1.2.0"):
        publish(upstream, version, "corp.example/m")
        for kind in CHANGING:
            answer = gateway.get(target(kind, "corp.example/m"))
            assert versions(answer) == version
            assert answer.headers["cache-control"].startswith("private")
            gateway.tidies_up()
    upstream.goes_down()
    for kind in CHANGING:
        answer = gateway.get(target(kind, "corp.example/m"))
        assert (versions(answer), answer.cache) == ("v1.2.0", "stale")


def test_private_absence_is_never_remembered(world: World) -> None:
    upstream = world.upstream()
    gateway = private_gateway(world, upstream)
    for kind in (*CHANGING, "info", "mod", "zip"):
        for number in range(2):
            assert gateway.get(target(kind, "corp.example/m")).status == 404
            assert upstream.asked_for(target(kind, "corp.example/m")) == number + 1
    publish(upstream, "v1.0.0", "corp.example/m")
    for kind in (*CHANGING, "info", "mod", "zip"):
        assert gateway.get(target(kind, "corp.example/m")).status == 200


def test_ages_outlive_the_gateway(world: World) -> None:
    upstream = world.upstream()
    publish(upstream, "v1.0.0")
    first = world.gateway(upstream, freshness=public(**NEVER))
    for kind in CHANGING:
        kept(first, target(kind))
    first.stop()
    publish(upstream, "v1.1.0")
    second = world.gateway(upstream, data=first.data, freshness=public(**NEVER))
    for kind in CHANGING:
        answer = second.get(target(kind))
        assert (versions(answer), answer.cache) == ("v1.0.0", "hit")


def test_two_gateways_on_one_store_tell_each_other(world: World) -> None:
    upstream = world.upstream()
    publish(upstream, "v1.0.0")
    one = world.gateway(upstream, freshness=public(**NEVER))
    other = world.gateway(upstream, data=one.data, freshness=public(**NEVER))
    for gateway in (one, other):
        assert versions(kept(gateway, target("list"))) == "v1.0.0"
    assert upstream.asked == 1
    publish(upstream, "v1.1.0")
    assert one.get("example.com/m/@v/v1.1.0.mod").status == 200
    for gateway in (one, other):
        eventually(partial(names, gateway, "v1.1.0"), "both know")


def names(gateway: Gateway, version: str, path: str = "example.com/m") -> bool:
    return versions(gateway.get(target("list", path))) == version

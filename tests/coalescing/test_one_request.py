"""Any number of clients that want the same cost the upstream one request, whatever they want and whichever process of
a gateway they ask."""

from __future__ import annotations

import pytest

from tests.coalescing.crowd import crowd
from tests.world import Database, Gateway, Module, Response, Upstream, World

MODULE = Module("example.com/Upper/m", "v1.0.0", payload=300_000)
BASE = "example.com/!upper/m"
KINDS = ["zip", "mod", "info", "list", "@latest", "branch", "lookup", "tile"]
DATABASE = "sum.example.com"


def target(kind: str) -> str:
    return {
        "list": f"{BASE}/@v/list",
        "@latest": f"{BASE}/@latest",
        "branch": f"{BASE}/@v/main.info",
        "lookup": f"sumdb/{DATABASE}/lookup/{BASE}@v1.0.0",
        "tile": f"sumdb/{DATABASE}/tile/8/0/000.p/1",
    }.get(kind, f"{MODULE.name}.{kind}")


@pytest.fixture
def database(world: World) -> Database:
    return world.database(DATABASE)


@pytest.fixture
def upstream(world: World, database: Database) -> Upstream:
    made = world.upstream([MODULE], database=database)
    made.branch(MODULE.path, "main", MODULE.version)
    return made


@pytest.fixture
def gateways(world: World, upstream: Upstream, database: Database) -> list[Gateway]:
    """Two processes on one store."""
    first = world.gateway(upstream, checksum_database=(database.name,))
    return [first, world.gateway(upstream, checksum_database=(database.name,), data=first.data)]


@pytest.mark.workers
def test_a_hundred_clients_of_one_gateway_cost_one_request_for_each_thing(
    world: World, upstream: Upstream, database: Database
) -> None:
    gateway = world.gateway(upstream, checksum_database=(database.name,))
    for kind in KINDS:
        upstream.forgets()
        gate = upstream.hangs(on=target(kind))
        answers = crowd([gateway], target(kind), gate=gate)
        assert_one(upstream, kind, answers)
        caches = [answer.cache for answer in answers]
        assert (caches.count("miss"), caches.count("coalesced")) == (1, 99), kind


@pytest.mark.workers(1, 2, soak=4)
def test_a_hundred_clients_of_two_processes_on_one_store_cost_one_request_for_each_thing(
    upstream: Upstream, gateways: list[Gateway]
) -> None:
    for kind in KINDS:
        upstream.forgets()
        gate = upstream.hangs(on=target(kind))
        assert_one(upstream, kind, crowd(gateways, target(kind), gate=gate))


@pytest.mark.workers(1, 2, soak=4)
def test_nor_does_it_matter_how_the_two_processes_run_past_each_other(
    upstream: Upstream, gateways: list[Gateway]
) -> None:
    for kind in KINDS:
        upstream.forgets()
        assert_one(upstream, kind, crowd(gateways, target(kind)))


def assert_one(upstream: Upstream, kind: str, answers: list[Response]) -> None:
    assert {answer.status for answer in answers} == {200}, kind
    assert len({answer.body for answer in answers}) == 1, kind
    assert not any(answer.cut for answer in answers), kind
    assert upstream.asked_for(target(kind)) == 1, (kind, [request.path for request in upstream.requests])


def test_a_hundred_heads_of_a_zip_that_nobody_fetched_cost_one_request(
    upstream: Upstream, gateways: list[Gateway]
) -> None:
    gate = upstream.hangs(on=target("zip"))
    answers = crowd(gateways[:1], target("zip"), gate=gate, method="HEAD")
    assert {(answer.status, answer.headers["content-length"]) for answer in answers} == {
        (200, str(len(MODULE.zip_bytes)))
    }
    assert upstream.asked_for(target("zip")) == 1

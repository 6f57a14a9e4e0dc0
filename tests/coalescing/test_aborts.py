"""A client that goes away stops nothing: not the fetch that it caused, and nobody who waits for the same."""

from __future__ import annotations

import pytest

from tests.coalescing.crowd import in_flight, meanwhile
from tests.world import Gateway, Module, Upstream, World, at_once, eventually

MODULE = Module("example.com/m", "v1.0.0", payload=1_000_000)
ZIP = f"{MODULE.name}.zip"
BODIES = {"zip": MODULE.zip_bytes, "mod": MODULE.mod_bytes, "info": MODULE.info_bytes}


@pytest.fixture
def upstream(world: World) -> Upstream:
    return world.upstream([MODULE])


@pytest.fixture
def gateway(world: World, upstream: Upstream) -> Gateway:
    return world.gateway(upstream)


@pytest.mark.parametrize("leaves", ["resets", "close"])
def test_what_nobody_waits_for_any_more_is_fetched_and_kept(upstream: Upstream, gateway: Gateway, leaves: str) -> None:
    for kind, body in BODIES.items():
        gate = upstream.hangs(on=kind)
        with gateway.connect() as client:
            client.asks(f"{MODULE.name}.{kind}")
            eventually(lambda kind=kind: upstream.asked_for(kind), "the upstream was asked")  # type: ignore[misc]
            getattr(client, leaves)()
        eventually(lambda: in_flight([gateway]) == 0, "the gateway noticed")
        gate.open()
        stored = f"public/{MODULE.name}.{kind}"
        eventually(lambda stored=stored: stored in gateway.files("modules"), "it was kept")  # type: ignore[misc]
        answer = gateway.get(f"{MODULE.name}.{kind}")
        assert (answer.body, answer.cache) == (body, "hit")
        assert upstream.asked_for(kind) == 1


def test_of_a_hundred_clients_one_that_stays_gets_it_all(upstream: Upstream, gateway: Gateway) -> None:
    gate = upstream.hangs(on="zip")
    crowd = [gateway.connect() for _ in range(99)]
    for client in crowd:
        client.asks(ZIP)
    eventually(lambda: in_flight([gateway]) == 99, "all of them wait")

    def leave() -> None:
        eventually(lambda: in_flight([gateway]) == 100, "one more waits")
        for client in crowd:
            client.resets()
        eventually(lambda: in_flight([gateway]) == 1, "the others are gone")
        gate.open()

    (answer,) = meanwhile(lambda: [gateway.get(ZIP)], leave)
    assert (answer.status, answer.body) == (200, MODULE.zip_bytes)
    assert upstream.asked_for("zip") == 1


def test_clients_that_leave_in_the_middle_of_a_body_disturb_nobody(upstream: Upstream, gateway: Gateway) -> None:
    rest = upstream.pauses(after=500_000)
    leaving = [gateway.connect() for _ in range(20)]
    for client in leaving:
        client.asks(ZIP)
        assert client.begins().read(100_000)

    def leave() -> None:
        eventually(lambda: in_flight([gateway]) == 40, "twenty more read it")
        for client in leaving:
            client.resets()
        rest.open()

    answers = meanwhile(lambda: at_once(20, lambda _: gateway.get(ZIP)), leave)
    assert {answer.body for answer in answers} == {MODULE.zip_bytes}
    assert upstream.asked_for("zip") == 1
    assert {line["status_code"] for line in gateway.access_log(at_least=40)} == {200}

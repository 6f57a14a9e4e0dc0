"""Idle clients cannot use up the descriptors that others need; where there are none, nothing good is thrown away."""

from __future__ import annotations

import resource
import shutil
from contextlib import ExitStack

import psutil
import pytest

from tests.world import Connection, Gateway, Module, Response, Upstream, World, eventually

HOT = Module("example.com/hot", "v1.0.0", payload=100_000)
LARGE = Module("example.com/large", "v1.0.0", payload=1_000_000)
NEW = Module("example.com/new", "v1.0.0", payload=100_000)
FEW = 128
"""Descriptors of the gateway: half of them are for clients."""


@pytest.fixture
def upstream(world: World) -> Upstream:
    return world.upstream([HOT, LARGE, NEW])


@pytest.fixture
def gateway(world: World, upstream: Upstream) -> Gateway:
    """It may open few files, and has everything of two modules."""
    prlimit = shutil.which("prlimit")
    if prlimit is None:
        pytest.skip("there is no prlimit on this machine")
    started = world.gateway(upstream, through=(prlimit, f"--nofile={FEW}:{FEW}"))
    for module in (HOT, LARGE):
        for kind in ("mod", "info", "zip"):
            assert started.get(f"{module.name}.{kind}").status == 200
    started.tidies_up()
    return started


def test_idle_connections_make_room_for_those_who_ask(gateway: Gateway) -> None:
    with ExitStack() as stack:
        known = stack.enter_context(gateway.connect())
        assert asked(known, f"{HOT.name}.mod").status == 200
        for _ in range(3 * FEW):
            stack.enter_context(gateway.connect())
        assert asked(known, f"{HOT.name}.mod").status == 200, "it has asked for something, and the others have not"
        assert gateway.get(f"{HOT.name}.mod").body == HOT.mod_bytes
        assert gateway.get(f"{LARGE.name}.zip").body == LARGE.zip_bytes
        assert gateway.get(f"{NEW.name}.zip").body == NEW.zip_bytes
        assert gateway.metric("modgate_connections") <= FEW / 2
        assert gateway.metric("modgate_connections_shed_total") >= 2 * FEW


def test_where_all_are_busy_a_newcomer_is_told_to_come_again(gateway: Gateway, upstream: Upstream) -> None:
    gate = upstream.hangs(on=f"{NEW.name}.zip")
    with ExitStack() as stack:
        busy = [stack.enter_context(gateway.connect()) for _ in range(FEW // 2)]
        for client in busy:
            client.asks(f"{NEW.name}.zip")
        eventually(lambda: gateway.metric("modgate_in_flight_requests") == len(busy), "all of them wait")
        with gateway.connect() as late:
            answer = late.answer()
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert answer.text.startswith("unavailable: ")
        gate.open()
        assert {client.answer().body for client in busy} == {NEW.zip_bytes}
    assert gateway.get(f"{HOT.name}.mod").status == 200


def test_what_cannot_be_opened_is_not_taken_for_damaged(gateway: Gateway, upstream: Upstream) -> None:
    process = psutil.Process(gateway.pid)
    upstream.forgets()
    with gateway.connect() as client:
        assert asked(client, f"{HOT.name}.mod").status == 200
        process.rlimit(resource.RLIMIT_NOFILE, (1, FEW))
        for module in (HOT, LARGE):
            for kind in ("mod", "info", "zip"):
                answer = asked(client, f"{module.name}.{kind}")
                assert answer.status == 503, (kind, answer.text)
                assert "cannot open what is stored just now (too many open files)" in answer.text
        process.rlimit(resource.RLIMIT_NOFILE, (FEW, FEW))
        assert asked(client, f"{HOT.name}.mod").body == HOT.mod_bytes
        assert asked(client, f"{LARGE.name}.zip").body == LARGE.zip_bytes
    assert upstream.asked == 0
    assert gateway.files("quarantine") == []


def asked(client: Connection, target: str) -> Response:
    """On an open connection, and not from memory."""
    client.asks(target, headers={"X-Request-Id": "1"})
    return client.answer()

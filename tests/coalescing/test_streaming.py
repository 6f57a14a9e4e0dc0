"""A large zip reaches its clients while it arrives, but for its end: that waits for the checks."""

from __future__ import annotations

import pytest

from tests.world import Gateway, Module, World, eventually, faults

pytestmark = pytest.mark.workers

MODULE = Module("example.com/large", "v1.0.0", payload=2_000_000)
ZIP = f"{MODULE.name}.zip"
SIZE = len(MODULE.zip_bytes)
HOLD = 65536
"""Bytes that are held back until the whole file has passed its checks (design: cold zip)."""
HALF = SIZE // 2


def test_the_first_bytes_come_long_before_the_download_is_complete(world: World) -> None:
    upstream = world.upstream([MODULE])
    rest = upstream.pauses(after=HALF)
    with world.gateway(upstream).connect() as client:
        client.asks(ZIP)
        answer = client.begins()
        assert (answer.status, answer.headers["Content-Length"]) == (200, str(SIZE))
        body = answer.read(HALF - HOLD)
        assert len(body) == HALF - HOLD
        rest.open()
        assert body + answer.read() == MODULE.zip_bytes


def test_whoever_comes_in_the_middle_gets_it_from_its_beginning(world: World) -> None:
    upstream = world.upstream([MODULE])
    rest = upstream.pauses(after=HALF)
    gateway = world.gateway(upstream)
    with gateway.connect() as first, gateway.connect() as second:
        first.asks(ZIP)
        early = first.begins()
        head = early.read(HALF - HOLD)
        second.asks(ZIP)
        late = second.begins()
        assert (late.status, late.headers["X-Cache"]) == (200, "coalesced")
        assert late.read(HALF - HOLD) == head
        rest.open()
        assert early.read() == late.read()
    assert upstream.asked_for("zip") == 1


def test_the_last_64_kib_wait_for_the_last_byte(world: World) -> None:
    upstream = world.upstream([MODULE])
    rest = upstream.pauses(after=SIZE - 1)
    with world.gateway(upstream).connect() as client:
        client.asks(ZIP)
        answer = client.begins()
        body = answer.read(SIZE - 1 - HOLD)
        assert len(body) == SIZE - 1 - HOLD
        client.socket.settimeout(0.2)  # nothing comes; a wait of any length could only show it for that long
        with pytest.raises(TimeoutError):
            client.socket.recv(1)
        client.socket.settimeout(20)
        rest.open()
        assert body + answer.read() == MODULE.zip_bytes


@pytest.mark.workers(1, 2, soak=4)
@pytest.mark.parametrize("has_length", [True, False], ids=["with a length", "in chunks"])
def test_a_second_process_hands_out_what_the_first_one_downloads(world: World, has_length: bool) -> None:
    upstream = world.upstream([MODULE])
    rest = upstream.pauses(after=HALF, chunked=not has_length)
    leader = world.gateway(upstream)
    follower = world.gateway(upstream, data=leader.data)
    with leader.connect() as one, follower.connect() as other:
        one.asks(ZIP)
        assert len(one.begins().read(1000)) == 1000
        other.asks(ZIP)
        answer = other.begins()
        assert answer.status == 200
        assert answer.headers["Content-Length"] == (str(SIZE) if has_length else None)
        body = answer.read(HALF - HOLD)
        assert body == MODULE.zip_bytes[: HALF - HOLD]
        rest.open()
        assert body + answer.read() == MODULE.zip_bytes
    assert upstream.asked_for("zip") == 1


def test_a_slow_upstream_makes_nobody_wait_for_the_first_byte(world: World) -> None:
    upstream = world.upstream([MODULE])
    upstream.misbehaves(faults.trickles(SIZE // 2), on="zip")
    gateway = world.gateway(upstream)
    with gateway.connect() as client:
        client.asks(ZIP)
        assert len(client.begins().read(1)) == 1
        assert not stored(gateway), "the first byte came only when the download was complete"
    eventually(lambda: stored(gateway), "the download went on without its client")


def stored(gateway: Gateway) -> bool:
    return f"public/{ZIP}" in gateway.files("modules")

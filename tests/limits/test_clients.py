"""Slow, silent and greedy clients cost little, and disturb nobody else."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.world import Connection, Gateway, Module, Upstream, World, eventually

MB = 1_000_000
HOT = Module("example.com/hot", "v1.0.0", payload=100_000)
MOD = f"{HOT.name}.mod"
SOON = 1.0
"""Seconds within which a hit comes, on a machine that is busy with other tests; idle, it takes a millisecond."""


@pytest.fixture
def upstream(world: World) -> Upstream:
    return world.upstream([HOT])


@pytest.fixture
def gateway(world: World, upstream: Upstream) -> Gateway:
    """`HOT` is in its store, and its connections end after two silent seconds."""
    started = world.gateway(upstream, deadlines={"request_header": "2s"})
    for kind in ("mod", "info", "zip"):
        assert started.get(f"{HOT.name}.{kind}").status == 200
    return started


def assert_hits_are_quick(gateway: Gateway) -> None:
    for target in (MOD, f"{HOT.name}.zip", f"{HOT.name}.info"):
        began = time.monotonic()
        answer = gateway.get(target)
        assert (answer.status, answer.cache) == (200, "hit")
        assert time.monotonic() - began < SOON


@pytest.mark.parametrize("is_stored", [True, False], ids=["stored", "arriving"])
def test_sixteen_slow_readers_of_large_zips_cost_little_memory(
    world: World, upstream: Upstream, is_stored: bool
) -> None:
    large = Module("example.com/large", "v1.0.0", payload=25 * MB)
    upstream.publishes(large)
    gateway = world.gateway(upstream)
    gateway.get(f"{HOT.name}.zip")
    if is_stored:
        gateway.get(f"{large.name}.zip")
    before = most = gateway.memory()
    with ExitStack() as stack:
        readers = [stack.enter_context(slow(gateway)) for _ in range(16)]
        for reader in readers:
            reader.asks(f"{large.name}.zip")
        bodies = [reader.begins() for reader in readers]
        for _ in range(20):
            for body in bodies:
                assert len(body.read(50_000)) == 50_000
            most = max(most, gateway.memory())
        assert most - before < 120 * MB
        assert bodies[0].read() == large.zip_bytes[MB:]
    assert upstream.asked_for(f"{large.name}.zip") == 1


def slow(gateway: Gateway) -> Connection:
    """One whose kernel takes little at once."""
    client = gateway.connect()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    return client


@pytest.mark.parametrize("target", [MOD, f"{HOT.name}.zip", "example.com/none/@v/list"])
def test_ten_thousand_requests_of_one_who_does_not_read_cost_less_than_ten_megabytes(
    gateway: Gateway, target: str
) -> None:
    for _ in range(200):
        gateway.get(target)
    before = gateway.memory()
    with slow(gateway) as client:
        client.socket.setblocking(False)
        unsent = f"GET /{target} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 10_000
        most = before
        quiet = 0
        while unsent and quiet < 20:
            try:
                unsent = unsent[client.socket.send(unsent[:65536]) :]
                quiet = 0
            except BlockingIOError:
                quiet += 1
                time.sleep(0.02)  # the gateway has stopped to read, or is busy
            most = max(most, gateway.memory())
        assert most - before < 10 * MB
        assert_hits_are_quick(gateway)


def test_three_hundred_connections_that_say_nothing_or_half_a_request_are_harmless_and_cut(gateway: Gateway) -> None:
    before = gateway.memory()
    with ExitStack() as stack:
        began = time.monotonic()
        idle = [stack.enter_context(gateway.connect()) for _ in range(150)]
        half = [stack.enter_context(gateway.connect()) for _ in range(150)]
        for client in half:
            client.sends(f"GET /{MOD} HTTP/1.1\r\nHost: x".encode())
        eventually(lambda: gateway.metric("modgate_connections") == 300, "all of them are connected")
        assert_hits_are_quick(gateway)
        assert gateway.memory() - before < 30 * MB
        for client in half:
            said = client.rest()
            assert said.startswith(b"HTTP/1.1 408 ") or said == b""
        for client in idle:
            assert client.rest() == b""
        assert time.monotonic() - began < 2 + 5, "two seconds, kept to the second"
    eventually(lambda: gateway.metric("modgate_connections") == 0, "all of them are gone")


def test_one_who_sends_a_byte_now_and_then_is_cut_too(gateway: Gateway) -> None:
    with gateway.connect() as client:
        client.socket.settimeout(0.05)
        client.sends(f"GET /{MOD} HTTP/1.1\r\nX: ".encode())
        began = time.monotonic()
        while (said := heard(client)) is None:
            client.sends(b"x")
        assert said.startswith(b"HTTP/1.1 408 ")
        assert 1.5 < time.monotonic() - began < 2 + 5


def heard(client: Connection) -> bytes | None:
    """What the gateway says; None where it says nothing for a while."""
    try:
        return client.reads(13)
    except TimeoutError:
        return None


def test_forty_misses_that_hang_delay_no_hit(upstream: Upstream, gateway: Gateway) -> None:
    gate = upstream.hangs()
    with ExitStack() as stack:
        for number in range(40):
            kind = ("mod", "info", "zip", "list")[number % 4]
            path = f"example.com/m{number}/@v/" + ("list" if kind == "list" else f"v1.0.0.{kind}")
            stack.enter_context(gateway.connect()).asks(path)
        upstream.wait_until_asked(43)
        for _ in range(20):
            assert_hits_are_quick(gateway)
        gate.open()


def test_a_hundred_zips_that_stall_leave_room_for_small_files(upstream: Upstream, gateway: Gateway) -> None:
    stalling = [Module(f"example.com/m{number}", "v1.0.0", payload=100_000) for number in range(100)]
    upstream.publishes(*stalling)
    rest = upstream.pauses(after=50_000, on="example.com/m*.zip")
    with ExitStack() as stack:
        clients = [stack.enter_context(gateway.connect()) for _ in stalling]
        for client, module in zip(clients, stalling, strict=True):
            client.asks(f"{module.name}.zip")
        eventually(lambda: gateway.metric("modgate_in_flight_requests") == 100, "all of them wait")
        for module in stalling[:20]:
            began = time.monotonic()
            assert gateway.get(f"{module.name}.mod").status == 200
            assert time.monotonic() - began < SOON
        assert_hits_are_quick(gateway)
        rest.open()
        answers = [client.answer() for client in clients]
    assert [answer.body for answer in answers] == [module.zip_bytes for module in stalling]


def test_one_who_takes_nothing_of_a_large_answer_is_cut(world: World, upstream: Upstream) -> None:
    large = Module("example.com/large", "v1.0.0", payload=20 * MB)
    upstream.publishes(large)
    gateway = world.gateway(upstream, deadlines={"write_stall": "1s"})
    with slow(gateway) as client:
        client.asks(f"{large.name}.zip")
        assert client.begins().status == 200
        eventually(lambda: gateway.metric("modgate_connections") == 0, "it was cut")
    assert gateway.get(f"{large.name}.zip").body == large.zip_bytes


def test_who_wants_much_from_an_upstream_does_not_keep_out_who_wants_little(world: World) -> None:
    many = [Module(f"example.com/much{number}", "v1.0.0") for number in range(30)]
    little = Module("example.com/little", "v1.0.0")
    upstream = world.upstream([*many, little])
    gateway = world.gateway(upstream, limits={"upstream_requests_per_host": 2}, trusted_proxies="127.0.0.0/8")
    gate = upstream.hangs(on="*/v1.0.0.mod")
    with ThreadPoolExecutor(len(many) + 1) as pool:
        asking = [pool.submit(gateway.get, f"{one.name}.mod", x_forwarded_for="192.0.2.1") for one in many]
        eventually(lambda: gateway.metric("modgate_in_flight_requests") == len(many), "all of one client's wait")
        asking.append(pool.submit(gateway.get, f"{little.name}.mod", x_forwarded_for="192.0.2.2"))
        eventually(lambda: gateway.metric("modgate_in_flight_requests") == len(many) + 1, "the other's too")
        gate.open()
        assert {answer.result().status for answer in asking} == {200}
    order = [request.path for request in upstream.requests]
    assert order.index(f"{little.name}.mod") < len(many) // 2, "long before the other client has all"

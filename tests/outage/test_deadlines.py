"""Nobody is waited for longer than the settings say; each upstream has its own time."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from tests.outage.trouble import LARGE, Publish, answers_to, expect_cut, expect_trouble, expect_whole, published
from tests.world import Gateway, Module, Response, Upstream, World, at_once, faults

SLACK = 2.0
"""Seconds that a busy machine may take besides."""


def timed(gateway: Gateway, target: str) -> tuple[Response, float]:
    began = time.monotonic()
    return gateway.get(target), time.monotonic() - began


def test_an_upstream_that_hangs_is_504_after_its_first_byte_deadline(
    gateway: Gateway, upstream: Upstream, publish: Publish
) -> None:
    made = published(publish)
    upstream.hangs()
    began = time.monotonic()
    answers = answers_to(gateway, made)
    assert 0.9 < time.monotonic() - began < 1.0 + SLACK
    for answer in answers.values():
        expect_trouble(answer, 504)
        assert "no first byte within 1 s" in answer.text
    upstream.behaves()
    for kind, answer in answers_to(gateway, made).items():
        expect_whole(answer, made[kind], kind)


def test_a_small_body_that_stalls_is_504(gateway: Gateway, upstream: Upstream, publish: Publish) -> None:
    made = {kind: module for kind, module in published(publish).items() if "zip" not in kind}
    upstream.pauses(after=3, on="*")
    began = time.monotonic()
    answers = answers_to(gateway, made)
    assert time.monotonic() - began < 2 * 1.0 + 0.3 + SLACK  # the second try has its time too
    for answer in answers.values():
        expect_trouble(answer, 504)
    upstream.behaves()
    for kind, answer in answers_to(gateway, made).items():
        expect_whole(answer, made[kind], kind)


def test_a_small_body_that_trickles_is_504_after_its_total_deadline(
    gateway: Gateway, upstream: Upstream, publish: Publish
) -> None:
    module = publish()
    target = f"{module.name}.info"
    upstream.misbehaves(faults.trickles(10), on=target)
    answer, seconds = timed(gateway, target)
    expect_trouble(answer, 504)
    assert "within 3 s" in answer.text
    assert seconds < 3 + SLACK


def test_a_zip_that_stalls_for_ever_is_given_up(world: World) -> None:
    small, large = Module("example.com/small", "v1.0.0"), Module("example.com/large", "v1.0.0", payload=LARGE)
    upstream = world.upstream([small, large], ranges=False)
    gateway = world.gateway(upstream, deadlines={"idle": "1s", "total": "2s", "request": "3s"})
    upstream.pauses(after=100, on=f"{small.name}.zip")
    upstream.pauses(after=150_000, on=f"{large.name}.zip")
    answers = at_once(2, lambda number: gateway.get(f"{(small, large)[number].name}.zip"))
    expect_trouble(answers[0], 504)
    expect_cut(answers[1], large)
    upstream.behaves()
    gateway.tidies_up()
    for module in (small, large):
        expect_whole(gateway.get(f"{module.name}.zip"), module, "zip")


def test_a_zip_that_drips_is_not_continued_for_ever(world: World) -> None:
    module = Module("example.com/m", "v1.0.0", payload=LARGE)
    upstream = world.upstream([module])
    gateway = world.gateway(upstream, deadlines={"total": "1s"})
    upstream.misbehaves(faults.trickles(200), on="zip")
    answer = gateway.get(f"{module.name}.zip")
    expect_trouble(answer, 504)
    assert "did not send all of it within 1 s" in answer.text
    assert upstream.asked_for("zip") == 3
    upstream.behaves()
    expect_whole(gateway.get(f"{module.name}.zip"), module, "zip")


def test_a_client_is_told_after_the_deadline_of_requests_and_the_fetch_goes_on(world: World) -> None:
    modules = [Module(f"example.com/m{number}", "v1.0.0") for number in range(3)]
    upstream = world.upstream(modules)
    gateway = world.gateway(upstream, deadlines={"request": "1s", "first_byte": "20s"})
    gate = upstream.hangs()
    targets = [f"{modules[0].path}/@v/list", f"{modules[1].name}.mod", f"{modules[2].name}.zip"]
    began = time.monotonic()
    answers = at_once(3, lambda number: gateway.get(targets[number]))
    assert time.monotonic() - began < 2.0 + SLACK
    for answer, module in zip(answers, modules, strict=True):
        expect_trouble(answer, 504)
        assert module.path in answer.text
    gate.open()
    for target in targets:
        assert gateway.get(target).status == 200
        assert upstream.asked_for(target) == 1


def test_each_upstream_has_its_own_time(world: World) -> None:
    module = Module("example.com/m", "v1.0.0")
    first, second, third = (world.upstream([module]) for _ in range(3))
    gateway = world.gateway(
        f"{first.url}|{second.url}|{third.url}", deadlines={"first_byte": "1s"}, breaker={"failures": 1000}
    )
    gates = [first.hangs(), second.hangs()]
    answer, seconds = timed(gateway, f"{module.name}.mod")
    assert answer.body == module.mod_bytes
    assert 1.8 < seconds < 2.0 + SLACK
    for gate in gates:
        gate.open()


@pytest.fixture
def deaf() -> Iterator[str]:
    """The URL of a port where connections are neither accepted nor refused."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = []
        for _ in range(4):  # more than its queue takes: the kernel drops what comes then
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(listening.getsockname())
            waiting.append(client)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        for client in waiting:
            client.close()


def test_a_connection_that_does_not_come_about_is_504_after_its_own_deadline(world: World, deaf: str) -> None:
    gateway = world.gateway(deaf, deadlines={"connect": "1s", "first_byte": "15s"})
    answer, seconds = timed(gateway, "example.com/m/@v/list")
    expect_trouble(answer, 504)
    assert "no connection come about within 1 s" in answer.text
    assert seconds < 1.0 + SLACK


def test_after_a_bar_the_next_is_asked_when_no_connection_comes_about(world: World, deaf: str) -> None:
    upstream = world.upstream({"example.com/m": ["v1.0.0"]})
    gateway = world.gateway(f"{deaf}|{upstream.url}", deadlines={"connect": "1s"})
    answer, seconds = timed(gateway, "example.com/m/@v/list")
    assert answer.text == "v1.0.0\n"
    assert seconds < 1.0 + SLACK


def test_forty_misses_that_hang_delay_no_hit(world: World) -> None:
    module = Module("example.com/m", "v1.0.0", payload=LARGE)
    upstream = world.upstream([module])
    gateway = world.gateway(upstream, limits={"upstream_requests_per_host": 10})
    targets = [f"{module.path}/@v/list", *(f"{module.name}.{extension}" for extension in ("info", "mod", "zip"))]
    for target in targets:
        gateway.get(target)
    upstream.hangs(on="example.com/hang*")
    connections = [gateway.connect() for _ in range(40)]
    for number, connection in enumerate(connections):
        connection.asks(f"example.com/hang{number}/@v/" + ("list", "v1.0.0.mod", "v1.0.0.zip")[number % 3])
    upstream.wait_until_asked(len(targets) + 10)
    for target in targets:
        answer, seconds = timed(gateway, target)
        assert (answer.status, seconds < 1) == (200, True)
    upstream.behaves()
    for connection in connections:
        assert connection.answer().status == 404
        connection.close()


def test_more_requests_than_an_upstream_may_get_wait_their_turn(world: World) -> None:
    modules = [Module(f"example.com/m{number}", "v1.0.0") for number in range(12)]
    upstream = world.upstream(modules)
    gateway = world.gateway(upstream, limits={"upstream_requests_per_host": 3})
    upstream.misbehaves(faults.slow_first_byte(0.1))
    answers = at_once(12, lambda number: gateway.get(f"{modules[number].name}.mod"))
    assert [answer.body for answer in answers] == [module.mod_bytes for module in modules]
    assert upstream.most_connections <= 3


def test_downloads_that_could_not_begin_give_back_their_place_at_the_upstream(world: World) -> None:
    modules = [Module(f"example.com/m{number}", "v1.0.0") for number in range(6)]
    upstream = world.upstream(modules)
    gateway = world.gateway(
        upstream,
        limits={"spool": "64MiB", "zip": "64MiB", "upstream_requests_per_host": 2},
        deadlines={"first_byte": "1s", "idle": "10s"},
    )
    # One download holds the whole spool, so that the others find no room when their first byte is there.
    upstream.misbehaves(faults.claims_length(60 << 20))
    gate = upstream.pauses(after=100, on=f"{modules[0].name}.zip")
    upstream.misbehaves(
        lambda request, given: faults.pauses(gate, after=100)(request, faults.claims_length(60 << 20)(request, given)),
        on=f"{modules[0].name}.zip",
    )
    with gateway.connect() as connection:
        connection.asks(f"{modules[0].name}.zip")
        gate.wait_for()
        for module in modules[1:5]:
            expect_trouble(gateway.get(f"{module.name}.zip"), 503)
        upstream.misbehaves(lambda _, given: given, on="mod")
        assert gateway.get(f"{modules[5].name}.mod").body == modules[5].mod_bytes

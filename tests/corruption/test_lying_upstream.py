"""No client ever holds a complete bad zip, whatever an upstream sends as one: a small one gets its true status and
text, a large one is cut before its end."""

from __future__ import annotations

import random

import pytest

from tests.coalescing.crowd import crowd
from tests.corruption.lies import LIES, told
from tests.world import Gateway, Module, Upstream, World, eventually, faults

GOOD = Module("example.com/good", "v1.0.0", payload=400_000)
SMALL = b"package m\n" * 10
LARGE = random.Random(1).randbytes(400_000)
"""Far more than what is held back, and nothing can compress it."""


@pytest.fixture
def upstream(world: World) -> Upstream:
    return world.upstream([GOOD, *(module for _, module in told())])


@pytest.fixture
def gateway(world: World, upstream: Upstream) -> Gateway:
    return world.gateway(upstream)


def lies(upstream: Upstream, content: bytes) -> None:
    for name, module in told():
        upstream.misbehaves(faults.body(LIES[name](module, content)), on=f"{module.name}.zip")


def test_a_small_one_gets_its_true_status_and_text(upstream: Upstream, gateway: Gateway) -> None:
    lies(upstream, SMALL)
    for name, module in told():
        if len(LIES[name](module, SMALL)) > 65536:
            continue  # its names alone make it large
        for _ in range(2):
            answer = gateway.get(f"{module.name}.zip")
            assert (answer.status, answer.headers["content-type"]) == (502, "text/plain; charset=utf-8"), name
            assert answer.text.startswith(f"corrupt: {module} zip: {upstream.url}: is no module zip"), name
            assert len(answer.body) <= 600, name
            assert answer.text.count("\n") <= 8 and answer.text.replace("\n", "").isprintable(), name
        assert upstream.asked_for(f"{module.name}.zip") == 1, f"{name}: the verdict holds for a minute"
    assert_nothing_kept(gateway)


def test_a_large_one_is_cut_and_the_next_ask_is_told_why(upstream: Upstream, gateway: Gateway) -> None:
    lies(upstream, LARGE)
    for name, module in told():
        lie = LIES[name](module, LARGE)
        answer = gateway.get(f"{module.name}.zip")
        assert answer.status == 502 or answer.cut, name
        assert len(answer.body) <= len(lie) - 65536, f"{name}: more than the first part of it was handed out"
        why = gateway.get(f"{module.name}.zip")
        assert why.status == 502, name
        assert why.text.startswith(f"corrupt: {module} zip: {upstream.url}: is no module zip"), name
        assert upstream.asked_for(f"{module.name}.zip") == 1, name
    assert_nothing_kept(gateway)


def assert_nothing_kept(gateway: Gateway) -> None:
    gateway.tidies_up()
    assert gateway.files("modules") == []
    assert gateway.get(f"{GOOD.name}.zip").body == GOOD.zip_bytes, "and no lie keeps it from its work"
    head = gateway.get(f"{GOOD.name}.zip", method="HEAD")
    assert (head.status, head.headers["content-length"]) == (200, str(len(GOOD.zip_bytes)))


@pytest.mark.parametrize("framing", [faults.chunked(), faults.until_close()], ids=["chunks", "until close"])
def test_nor_does_it_matter_how_it_is_framed(upstream: Upstream, gateway: Gateway, framing: faults.Fault) -> None:
    _, module = told()[0]
    lie = LIES["a flipped bit in its content"](module, LARGE)
    upstream.misbehaves(faults.together(faults.body(lie), framing))
    answer = gateway.get(f"{module.name}.zip")
    assert answer.status == 200 and answer.cut
    with gateway.connect() as old:  # to whom the end of the connection is the end of the body
        old.sends(f"GET /{told()[1][1].name}.zip HTTP/1.0\r\n\r\n".encode())
        assert len(old.rest().partition(b"\r\n\r\n")[2]) <= len(lie) - 65536


def test_all_who_wait_for_a_bad_one_are_cut_in_both_processes(world: World, upstream: Upstream) -> None:
    _, module = told()[0]
    lie = LIES["a flipped bit in its content"](module, LARGE)
    rest = upstream.pauses(after=300_000, body=lie)
    gateway = world.gateway(upstream)
    other = world.gateway(upstream, data=gateway.data)
    answers = crowd([gateway, other], f"{module.name}.zip", count=20, gate=rest)
    # Whoever had no byte yet is told: why, or by the process that only read along, that it broke off.
    assert all(answer.cut or answer.status in {502, 503} for answer in answers)
    assert all(len(answer.body) <= len(lie) - 65536 for answer in answers)
    for one in (gateway, other):  # the second may still be finding out by itself
        eventually(lambda one=one: one.get(f"{module.name}.zip").status == 502, "it is told why")  # type: ignore[misc]


def test_a_verdict_ends_when_a_client_asks_for_a_new_look(upstream: Upstream, gateway: Gateway) -> None:
    upstream.misbehaves(faults.flipped_bit(), on="zip", times=1)
    assert gateway.get(f"{GOOD.name}.zip").cut
    assert gateway.get(f"{GOOD.name}.zip").status == 502

    def is_right() -> bool:
        return gateway.get(f"{GOOD.name}.zip", cache_control="no-cache").body == GOOD.zip_bytes

    eventually(is_right, "the right one was fetched")
    assert gateway.get(f"{GOOD.name}.zip").cache == "hit"

"""Some servers compress what nobody asked them to: clients and the store get the content (protocol.md §1.1)."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.outage.trouble import (
    LARGE,
    Publish,
    answers_to,
    expect_cut,
    expect_trouble,
    expect_whole,
    kept,
    published,
    target_of,
)
from tests.world import Gateway, Module, Request, Upstream, World, faults
from tests.world.delivery import Delivery
from tests.world.faults import Fault

Packing = Callable[[bytes], bytes]

WHOLE: dict[str, Packing] = {
    "one member": gzip.compress,
    "two members": lambda data: gzip.compress(data[: len(data) // 2]) + gzip.compress(data[len(data) // 2 :]),
    "a member for each byte": lambda data: b"".join(gzip.compress(data[n : n + 1]) for n in range(len(data))),
    "an empty member at the end": lambda data: gzip.compress(data) + gzip.compress(b""),
    "stored": lambda data: gzip.compress(data, 0),
}


def packed(packing: Packing, name: str = "gzip") -> Fault:
    return lambda _, given: replace(
        given, body=packing(given.body), headers={**given.headers, "Content-Encoding": name}
    )


@pytest.mark.parametrize("packing", WHOLE)
def test_gzip_is_undone_whatever_its_shape(
    gateway: Gateway, upstream: Upstream, publish: Publish, packing: str
) -> None:
    made = published(publish)
    if packing == "a member for each byte":
        del made["large zip"]  # half a minute of packing, to show the same
    upstream.misbehaves(packed(WHOLE[packing]))
    for kind, answer in answers_to(gateway, made).items():
        expect_whole(answer, made[kind], kind)
    upstream.behaves()
    for kind, module in made.items():
        answer = kept(gateway, target_of(module, kind))
        expect_whole(answer, module, kind)
        assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("name", ["GZIP", "x-gzip", " gzip "])
def test_gzip_has_several_names(gateway: Gateway, upstream: Upstream, publish: Publish, name: str) -> None:
    module = publish()
    upstream.misbehaves(packed(gzip.compress, name), on=f"{module.name}.mod")
    expect_whole(gateway.get(f"{module.name}.mod"), module, "mod")


def test_gzip_in_chunks_and_to_the_end_of_the_connection(
    gateway: Gateway, upstream: Upstream, publish: Publish
) -> None:
    for framed in (faults.chunked(), faults.until_close(), faults.trickles(500_000)):
        module = publish(LARGE)

        def odd(request: Request, given: Delivery, framed: Fault = framed) -> Delivery:
            return framed(request, packed(gzip.compress)(request, given))

        upstream.misbehaves(odd, on=f"{module.name}.zip")
        expect_whole(gateway.get(f"{module.name}.zip"), module, "zip")


BROKEN: dict[str, Packing] = {
    "no end": lambda data: gzip.compress(data)[:-1],
    "half": lambda data: gzip.compress(data)[: -len(data) // 2 - 10],
    "wrong checksum": lambda data: gzip.compress(data)[:-8] + b"\0\0\0\0" + gzip.compress(data)[-4:],
    "wrong length": lambda data: gzip.compress(data)[:-4] + b"\0\0\0\0",
    "junk behind it": lambda data: gzip.compress(data) + b"junk",
    "half a member behind it": lambda data: gzip.compress(data) + gzip.compress(data)[:15],
    "zlib": zlib.compress,
    "not at all": lambda data: data,
    "nothing": lambda _: b"",
}


@pytest.mark.parametrize("packing", BROKEN)
def test_what_does_not_unpack_is_trouble_and_never_a_part_of_the_truth(
    gateway: Gateway, upstream: Upstream, publish: Publish, packing: str
) -> None:
    made = published(publish)
    del made["large zip"]  # below
    upstream.misbehaves(packed(BROKEN[packing]))
    for answer in answers_to(gateway, made).values():
        expect_trouble(answer, 502)
    upstream.behaves()
    for kind, answer in answers_to(gateway, made).items():
        expect_whole(answer, made[kind], kind)


def test_a_large_zip_whose_packing_ends_early_is_cut(gateway: Gateway, upstream: Upstream, publish: Publish) -> None:
    module = publish(LARGE)
    upstream.misbehaves(packed(BROKEN["no end"]), on=f"{module.name}.zip")
    expect_cut(gateway.get(f"{module.name}.zip"), module)
    upstream.behaves()
    expect_whole(gateway.get(f"{module.name}.zip"), module, "zip")


def test_a_single_packed_answer_that_is_cut_is_hidden(gateway: Gateway, upstream: Upstream, publish: Publish) -> None:
    made = published(publish)
    upstream.misbehaves(packed(gzip.compress))
    for kind, module in made.items():
        upstream.misbehaves(cut_and_packed, on=target_of(module, kind), times=1)
    for kind, answer in answers_to(gateway, made).items():
        expect_whole(answer, made[kind], kind)
    upstream.behaves()


def cut_and_packed(request: Request, given: Delivery) -> Delivery:
    return faults.cuts(after=30)(request, packed(gzip.compress)(request, given))


def test_a_bomb_is_not_blown_up(gateway: Gateway, upstream: Upstream, publish: Publish) -> None:
    before = gateway.memory()
    bomb = gzip.compress(b"v1.0.0\n" * (100 << 20 >> 3))
    for kind in ("info", "latest", "list"):
        module = publish()
        upstream.misbehaves(packed(lambda _: bomb), on=target_of(module, kind))
        expect_trouble(gateway.get(target_of(module, kind)), 502)
    assert gateway.memory() - before < 100 << 20


def test_the_length_of_a_packed_zip_is_not_told_as_that_of_the_zip(
    gateway: Gateway, upstream: Upstream, publish: Publish
) -> None:
    module = publish(LARGE)
    upstream.misbehaves(packed(gzip.compress), on=f"{module.name}.zip")
    answer = gateway.get(f"{module.name}.zip", method="HEAD")
    assert answer.status == 200
    assert answer.headers.get("content-length", str(len(module.zip_bytes))) == str(len(module.zip_bytes))


def test_we_ask_for_no_encoding(world: World) -> None:
    module = Module("example.com/m", "v1.0.0")
    upstream = world.upstream([module])
    gateway = world.gateway(upstream)
    gateway.get(f"{module.name}.mod", accept_encoding="gzip, br")
    assert upstream.requests[0].headers["accept-encoding"] == "identity"

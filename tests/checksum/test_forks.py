"""Two signed heads that exclude each other are a fork, with the proof of it, and only they are."""

from __future__ import annotations

import asyncio

import pytest

from modgate.errors import Fork
from modgate.gomod.paths import check_path
from modgate.tlog.proofs import check_tree
from modgate.tlog.tree import parse_lookup, parse_signed_head
from tests.checksum.conftest import Client
from tests.checksum.fakes import MemoryOps, Shared, Way
from tests.checksum.log import Log, sums

EARLY = check_path("example.com/early")
LOOKUP = "lookup/example.com/early@v6.6.6"


def forked(log: Log, at: int, size: int) -> Log:
    """The same keeper's other history, that parts at record `at`."""
    other = log.fork(at)
    other.records("example.com/early", "v6.6.6", salt="evil")
    other.grows(size - other.size, salt="evil")
    return other


def shown(fork: Fork) -> tuple[int, int]:
    """Check the evidence as somebody who trusts nobody would; the sizes of the two heads."""
    older, newer = parse_signed_head(fork.older), parse_signed_head(fork.newer)
    if older.size == newer.size:
        assert older.root != newer.root
    else:
        check_tree(fork.proof, newer.size, newer.root, older.size, fork.root)
        assert fork.root != older.root
    return older.size, newer.size


@pytest.mark.parametrize(("at", "size"), [(267, 300), (267, 269), (100, 268), (256, 512), (1, 1000)])
async def test_a_newer_head_of_another_history_is_a_fork(log: Log, client: Client, at: int, size: int) -> None:
    ops = MemoryOps(Way("direct", log.serve))
    one = client(ops)
    await one.lookup(EARLY, "v1.0.0")
    ops.ways = [Way("direct", forked(log, at, size).serve)]
    with pytest.raises(Fork, match="two histories") as caught:
        await one.lookup(EARLY, "v6.6.6")
    assert shown(caught.value) == (268, size)
    assert {caught.value.older, caught.value.newer} == {log.note(), parse_lookup(ops.ways[0].serve(LOOKUP)).note}
    await one.close(grace=5.0)
    assert ops.shared.head == log.note()
    assert all(data == log.serve(name) for name, data in ops.shared.files.items())
    assert not ops.told


async def test_an_older_head_of_another_history_is_a_fork(log: Log, client: Client) -> None:
    ops = MemoryOps(Way("direct", log.serve))
    one = client(ops)
    await one.lookup(EARLY, "v1.0.0")
    other = forked(log, 100, 200)
    ops.ways.insert(0, Way("fork", lambda name: (other if name.startswith("lookup/") else log).serve(name)))
    with pytest.raises(Fork) as caught:
        await one.lookup(EARLY, "v6.6.6")
    assert shown(caught.value) == (200, 268)
    assert ops.shared.head == log.note()


async def test_after_a_fork_the_known_history_still_proves_what_it_holds(log: Log, client: Client) -> None:
    ops = MemoryOps(Way("direct", log.serve))
    one = client(ops)
    await one.lookup(EARLY, "v1.0.0")
    honest, ops.ways = ops.ways, [Way("fork", forked(log, 50, 400).serve)]
    with pytest.raises(Fork):
        await one.lookup(EARLY, "v6.6.6")
    ops.ways = honest
    log.records("example.com/early", "v1.1.0")
    assert (await one.lookup(EARLY, "v1.1.0")).sums == sums(EARLY, "v1.1.0")
    await one.close(grace=5.0)
    assert all(data == log.serve(name) for name, data in ops.shared.files.items() if name.startswith("tile/"))


async def test_a_fork_is_noticed_after_a_restart(log: Log, client: Client) -> None:
    ops = MemoryOps(Way("direct", log.serve))
    await client(ops).lookup(EARLY, "v1.0.0")
    other = MemoryOps(Way("fork", forked(log, 50, 400).serve), shared=ops.shared)
    with pytest.raises(Fork):
        await client(other).lookup(EARLY, "v6.6.6")


async def test_a_fork_shown_to_two_processes_is_noticed_where_they_meet(log: Log, client: Client) -> None:
    shared = Shared()
    both = [
        client(MemoryOps(Way("direct", log.serve), shared=shared)),
        client(MemoryOps(Way("fork", forked(log, 50, 400).serve), shared=shared)),
    ]
    outcomes = await asyncio.gather(
        both[0].lookup(EARLY, "v1.0.0"), both[1].lookup(EARLY, "v6.6.6"), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes].count(Fork) == 1


async def test_who_was_shown_the_fork_goes_on_with_the_history_that_was_remembered_first(
    log: Log, client: Client
) -> None:
    ops = MemoryOps(Way("direct", forked(log, 50, 400).serve))
    one = client(ops)
    reading = ops.head
    seen: list[bytes | None] = []

    async def behind() -> bytes | None:
        # The first look comes before another process has remembered its head.
        seen.append(None if not seen else await reading())
        ops.shared.head = log.note()
        return seen[-1]

    ops.head = behind  # type: ignore[method-assign]
    with pytest.raises(Fork):
        await one.lookup(EARLY, "v6.6.6")
    ops.ways = [Way("direct", log.serve)]
    assert (await one.lookup(EARLY, "v1.0.0")).tree_size == 268
    await one.close(grace=5.0)
    assert all(data == log.serve(name) for name, data in ops.shared.files.items())


async def test_a_fork_in_a_kept_lookup_is_a_fork(log: Log, client: Client) -> None:
    ops = MemoryOps(Way("direct", log.serve))
    one = client(ops)
    await one.lookup(EARLY, "v1.0.0")
    ops.shared.files[LOOKUP] = forked(log, 100, 200).serve(LOOKUP)
    with pytest.raises(Fork):
        await one.lookup(EARLY, "v6.6.6")


async def test_of_a_crowd_only_those_with_the_forked_head_see_the_fork(log: Log, client: Client) -> None:
    for number in range(20):
        log.records("example.com/crowd", f"v1.0.{number}")
    other = forked(log, 50, 400)

    def serve(name: str) -> bytes:
        return (other if "v6.6.6" in name else log).serve(name)

    ops = MemoryOps(Way("direct", serve))
    one = client(ops)
    await one.lookup(EARLY, "v1.0.0")
    log.grows(5)
    crowd = check_path("example.com/crowd")
    asks = [one.lookup(EARLY, "v6.6.6"), *(one.lookup(crowd, f"v1.0.{number}") for number in range(20))]
    first, *rest = await asyncio.gather(*asks, return_exceptions=True)
    assert isinstance(first, BaseException)
    assert not [outcome for outcome in rest if isinstance(outcome, BaseException)]
    assert ops.shared.head == log.note()

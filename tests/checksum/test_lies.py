"""Whatever a way to the database sends, nothing false is believed or kept, and the next way is tried."""

from __future__ import annotations

import asyncio
import base64
import itertools
import random
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modgate.checksum.client import SumClient, Verified
from modgate.errors import Absent, Corrupt
from modgate.gomod.paths import check_path
from modgate.tlog.note import sign_note
from modgate.tlog.tree import format_head
from tests.checksum.conftest import Client
from tests.checksum.fakes import MemoryOps, Shared, Way
from tests.checksum.log import NAME, Log, Serve, key_of, lying, sums, verifiers

EARLY, LATE = check_path("example.com/early"), check_path("example.com/Late")
LATE_LOOKUP = "lookup/example.com/!late@v1.2.3"
LOGIN = b"<!DOCTYPE html>\n<html><body>Please log in</body></html>\n"
Liar = Callable[[Log], Serve]


def flipped(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def signed_by(log: Log, number: int, name: str = NAME) -> bytes:
    """The right head with another's signature."""
    return sign_note(format_head(log.head()), [key_of(name, number)])


def record(log: Log) -> bytes:
    """What stands before the head in the answer about LATE."""
    return log.lookup(LATE_LOOKUP).removesuffix(log.note())


def other_value(note: bytes) -> bytes:
    """A note with the right key's id and a wrong signature."""
    encoded = note.rstrip().rpartition(b" ")[2]
    wrong = base64.b64encode(flipped(30)(base64.b64decode(encoded)))
    return note.replace(encoded, wrong)


LIES_ABOUT_LOOKUPS: dict[str, Callable[[Log, bytes], bytes]] = {
    "nothing at all": lambda log, data: b"",
    "a login page": lambda log, data: LOGIN,
    "a cut answer": lambda log, data: data[:-20],
    "no head": lambda log, data: record(log),
    "another sum": lambda log, data: re.sub(rb"h1:.", b"h1:z", data, count=1),
    "one sum is missing": lambda log, data: re.sub(rb"\n[^\n]*/go.mod [^\n]*", b"", data),
    "another version": lambda log, data: data.replace(b" v1.2.3", b" v1.2.4"),
    "another module": lambda log, data: log.serve("lookup/example.com/early@v1.0.0"),
    "another number": lambda log, data: data.replace(b"261\n", b"262\n", 1),
    "a number beyond the tree": lambda log, data: data.replace(b"261\n", b"268\n", 1),
    "a number that is none": lambda log, data: data.replace(b"261\n", b"0261\n", 1),
    "a replayed older head": lambda log, data: record(log) + log.note(200),
    "an unknown key's signature": lambda log, data: record(log) + signed_by(log, 7),
    "another name's signature": lambda log, data: record(log) + signed_by(log, 1, "sum.evil.example"),
    "a swapped signature": lambda log, data: record(log) + other_value(log.note()),
    "a signature of another head": lambda log, data: data.replace(b"\n268\n", b"\n269\n"),
    "a changed root": lambda log, data: data.replace(log.note().split(b"\n")[2], base64.b64encode(bytes(32))),
}
LIES_ABOUT_TILES: dict[str, Callable[[bytes], bytes]] = {
    "a login page": lambda data: LOGIN,
    "nothing at all": lambda data: b"",
    "a short tile": lambda data: data[:-32],
    "a long tile": lambda data: data + data[:32],
    "a tile of another log": lambda data: bytes(len(data)),
    "a wrong bit at its beginning": flipped(0),
    "a wrong bit at its end": flipped(-1 % 32),
}


def only_honest(ops: MemoryOps, log: Log) -> bool:
    """Whether everything that is kept is what the honest log delivers, lookups apart from their heads."""
    kept = ops.shared.files.items()
    return all(data == log.serve(name) for name, data in kept) and ops.shared.head in {None, log.note()}


async def refused(client: Client, serve: Serve, log: Log) -> None:
    """With only a lying way the ask fails, with an honest one behind it succeeds; nothing false stays either way."""
    ops = MemoryOps(Way("liar", serve))
    with pytest.raises(Corrupt) as caught:
        await client(ops).lookup(LATE, "v1.2.3")
    assert type(caught.value) is Corrupt
    assert caught.value.source == "liar"
    assert not ops.shared.files

    ops = MemoryOps(Way("liar", serve), Way("honest", log.serve))
    one = client(ops)
    assert (await one.lookup(LATE, "v1.2.3")).sums == sums(LATE, "v1.2.3")
    await one.close(grace=5.0)
    assert {error.source for error in ops.told} == {"liar"}
    assert ops.shared.files
    assert only_honest(ops, log)


@pytest.mark.parametrize("lie", LIES_ABOUT_LOOKUPS)
async def test_a_lie_about_a_record_is_refused(log: Log, client: Client, lie: str) -> None:
    change = LIES_ABOUT_LOOKUPS[lie]
    await refused(client, lying(log.serve, "lookup/", lambda data: change(log, data)), log)


@pytest.mark.parametrize("lie", LIES_ABOUT_TILES)
@pytest.mark.parametrize("tile", ["tile/8/0/001", "tile/8/1/000"])
async def test_a_lie_about_a_tile_at_the_edge_is_refused(log: Log, client: Client, tile: str, lie: str) -> None:
    await refused(client, lying(log.serve, tile, LIES_ABOUT_TILES[lie]), log)


@pytest.mark.parametrize("lie", LIES_ABOUT_TILES)
async def test_a_lie_about_a_full_tile_is_refused(log: Log, client: Client, lie: str) -> None:
    log.grows(600)
    await refused(client, lying(log.serve, "tile/8/0/001", LIES_ABOUT_TILES[lie]), log)


@pytest.mark.parametrize("lie", LIES_ABOUT_TILES)
async def test_a_lie_while_the_tree_grows_is_refused(log: Log, client: Client, lie: str) -> None:
    ops = MemoryOps(Way("direct", log.serve))
    one = client(ops)
    await one.lookup(EARLY, "v1.0.0")
    log.grows(700)
    before = ops.shared.head
    honest, ops.ways = ops.ways, [Way("liar", lying(log.serve, "tile/", LIES_ABOUT_TILES[lie]))]
    with pytest.raises(Corrupt):
        await one.lookup(LATE, "v1.2.3")
    assert ops.shared.head == before
    ops.ways += honest
    assert (await one.lookup(LATE, "v1.2.3")).tree_size == log.size


@pytest.mark.parametrize("order", list(itertools.permutations(["lacking", "liar", "honest"])))
async def test_who_lies_about_one_part_of_the_edge_is_found_where_the_parts_come_by_several_ways(
    log: Log, client: Client, order: tuple[str, ...]
) -> None:
    def lacking(name: str) -> bytes:
        if name.startswith("tile/8/1/"):
            raise Absent(asked=name)
        return log.serve(name)

    serve = {"lacking": lacking, "honest": log.serve, "liar": lying(log.serve, "tile/8/1/", flipped(3))}
    ops = MemoryOps(*(Way(name, serve[name]) for name in order))
    assert (await client(ops).lookup(LATE, "v1.2.3")).sums == sums(LATE, "v1.2.3")
    assert {error.source for error in ops.told} <= {"liar"}


async def test_two_honest_ways_that_lack_a_part_each_are_enough(log: Log, client: Client) -> None:
    def lacking(part: str) -> Serve:
        def serve(name: str) -> bytes:
            if name.startswith(part):
                raise Absent(asked=name)
            return log.serve(name)

        return serve

    liar = lying(log.serve, "tile/8/", flipped(3))
    ops = MemoryOps(Way("a", lacking("tile/8/1/")), Way("liar", liar), Way("b", lacking("tile/8/0/")))
    assert (await client(ops).lookup(LATE, "v1.2.3")).sums == sums(LATE, "v1.2.3")


@pytest.mark.parametrize("lie", LIES_ABOUT_TILES)
@pytest.mark.parametrize("tile", ["tile/8/0/000", "tile/8/0/001.p/12", "tile/8/0/001", "tile/8/1/000.p/1"])
async def test_a_wrong_tile_that_was_kept_is_fetched_again(log: Log, client: Client, tile: str, lie: str) -> None:
    wide = Log.fork(log, log.size)
    wide.grows(600)
    kept = Shared({tile: LIES_ABOUT_TILES[lie](wide.serve(tile))})
    ops = MemoryOps(Way("direct", log.serve), shared=kept)
    one = client(ops)
    assert (await one.lookup(EARLY, "v1.0.0")).sums == sums(EARLY, "v1.0.0")
    await one.close(grace=5.0)
    assert ops.dropped == [tile] or set(ops.dropped) < {"tile/8/0/000", "tile/8/0/001", tile}
    assert only_honest(ops, log)
    assert not ops.told


@pytest.mark.parametrize("lie", LIES_ABOUT_LOOKUPS)
async def test_a_wrong_lookup_that_was_kept_is_fetched_again(log: Log, client: Client, lie: str) -> None:
    kept = Shared({LATE_LOOKUP: LIES_ABOUT_LOOKUPS[lie](log, log.serve(LATE_LOOKUP))})
    ops = MemoryOps(Way("direct", log.serve), shared=kept)
    one = client(ops)
    assert (await one.lookup(LATE, "v1.2.3")).sums == sums(LATE, "v1.2.3")
    await one.close(grace=5.0)
    assert ops.dropped == [LATE_LOOKUP]
    assert only_honest(ops, log)


async def test_two_keys_may_sign_while_one_replaces_the_other(client: Client) -> None:
    old, new = key_of(NAME), key_of(NAME, 2)
    log = Log([old, new])
    log.records(EARLY, "v1.0.0")
    defects: list[BaseException] = []
    for keys in ([old], [new], [old, new]):
        ops = MemoryOps(Way("direct", log.serve))
        one = SumClient(NAME, verifiers(Log(keys)), ops, defects.append)
        assert (await one.lookup(EARLY, "v1.0.0")).sums == sums(EARLY, "v1.0.0")
        await one.close(grace=5.0)
    assert not defects


@given(st.integers(0, 1 << 32))
@settings(max_examples=60, deadline=None)
async def test_whatever_is_damaged_by_chance_only_the_truth_is_told(seed: int) -> None:
    chance = random.Random(seed)
    log = Log()
    log.records(EARLY, "v1.0.0")

    def damaged(name: str) -> bytes:
        data = log.serve(name)
        if chance.random() < 0.5 or not data:
            return data
        at = chance.randrange(len(data))
        return chance.choice([data[:at], flipped(at)(data), data + data[:at], LOGIN])

    kept = Shared()
    rotten: dict[str, bytes] = {}
    defects: list[BaseException] = []
    ops = MemoryOps(Way("first", damaged), Way("second", damaged), Way("honest", log.serve), shared=kept)
    for _ in range(chance.randrange(1, 4)):
        one = SumClient(NAME, verifiers(log), ops, defects.append)
        for _ in range(2):
            log.grows(chance.choice([1, 100, 255, 300]))
            version = f"v1.0.{log.records(LATE, f'v1.0.{log.size}')}"
            assert (await one.lookup(LATE, version)).sums == sums(LATE, version)
            assert (await one.lookup(EARLY, "v1.0.0")).sums == sums(EARLY, "v1.0.0")
        await one.close(grace=5.0)
        tiles = {name: data for name, data in kept.files.items() if name.startswith("tile/")}
        assert all(data in {log.serve(name), rotten.get(name)} for name, data in tiles.items())
        # What lies here is damaged too.
        for name in chance.sample(sorted(kept.files), len(kept.files) // 2):
            rotten[name] = flipped(chance.randrange(len(kept.files[name])))(kept.files[name])
        kept.files |= rotten
    assert not defects


@given(st.integers(0, 1 << 32))
@settings(max_examples=60, deadline=None)
async def test_without_an_honest_way_there_is_the_truth_or_an_error(seed: int) -> None:
    chance = random.Random(seed)
    log = Log()
    log.records(EARLY, "v1.0.0")
    log.grows(chance.randrange(600))

    def damaged(name: str) -> bytes:
        data = log.serve(name)
        return flipped(chance.randrange(len(data)))(data) if chance.random() < 0.3 else data

    defects: list[BaseException] = []
    one = SumClient(NAME, verifiers(log), MemoryOps(Way("first", damaged), Way("second", damaged)), defects.append)
    (outcome,) = await asyncio.gather(one.lookup(EARLY, "v1.0.0"), return_exceptions=True)
    assert type(outcome) is Corrupt or (isinstance(outcome, Verified) and outcome.sums == sums(EARLY, "v1.0.0"))
    await one.close(grace=5.0)
    assert not defects

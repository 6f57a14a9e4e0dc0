"""Tiles that clients ask for are proven before they are relayed and kept, as far as a head is known."""

from __future__ import annotations

import pytest

from modgate.errors import Corrupt
from modgate.tlog.tile import DATA, Tile, parse_tile
from tests.checksum.conftest import Client
from tests.checksum.fakes import MemoryOps, Way
from tests.checksum.log import Log, lying
from tests.checksum.test_client import EARLY, LATE, LATE_LOOKUP, remembered


def heads_too(log: Log, name: str) -> bytes:
    return log.note() if name == "latest" else log.serve(name)


def zeros(data: bytes) -> bytes:
    return bytes(len(data))


async def test_without_a_head_nothing_is_told_and_nobody_asked(log: Log, client: Client) -> None:
    one = client(MemoryOps(way := Way("direct", log.serve)))
    assert await one.tile(parse_tile("tile/8/0/000")) is None
    assert way.asked == []


async def test_every_width_of_a_known_tree_is_told(log: Log, client: Client) -> None:
    ops = MemoryOps(Way("direct", log.serve))
    await (first := client(ops)).lookup(EARLY, "v1.0.0")
    await first.close(grace=5.0)
    one = client(ops)  # after a restart
    ops.ways.clear()
    for name in ("tile/8/0/000", "tile/8/0/000.p/1", "tile/8/0/000.p/255", "tile/8/0/001.p/12", "tile/8/1/000.p/1"):
        assert await one.tile(parse_tile(name)) == log.serve(name)


@pytest.mark.parametrize("tile", [Tile(8, DATA, 0, 5), Tile(4, 0, 0, 16), Tile(8, 5, 0, 1)])
async def test_what_no_go_command_asks_for_is_not_told(log: Log, client: Client, tile: Tile) -> None:
    one = client(MemoryOps(Way("direct", lambda name: heads_too(log, name))))
    await one.lookup(EARLY, "v1.0.0")
    assert await one.tile(tile) is None


async def test_a_way_that_sends_another_one_is_passed_over(log: Log, client: Client) -> None:
    log.grows(300)
    liar = Way("liar", lying(log.serve, "tile/8/0/001", zeros))
    ops = MemoryOps(liar)
    one = client(ops)
    await one.lookup(EARLY, "v1.0.0")
    with pytest.raises(Corrupt):
        await one.tile(parse_tile("tile/8/0/001.p/7"))
    ops.ways.append(Way("direct", log.serve))
    assert await one.tile(parse_tile("tile/8/0/001.p/7")) == log.serve("tile/8/0/001.p/7")
    assert {error.source for error in ops.told} == {"liar"}


async def test_one_beyond_the_known_head_is_a_reason_to_ask_for_the_newest(log: Log, client: Client) -> None:
    way = Way("direct", lambda name: heads_too(log, name))
    one = client(ops := MemoryOps(way))
    await one.lookup(EARLY, "v1.0.0")
    log.grows(700)
    assert await one.tile(parse_tile("tile/8/0/002.p/9")) == log.serve("tile/8/0/002.p/9")
    assert remembered(ops) == log.size
    assert await one.tile(parse_tile("tile/8/0/999")) is None
    assert way.asked.count("latest") == 1, "who asks for what there is not asks again and again"
    assert (await one.lookup(LATE, "v1.2.3")).tree_size == log.size
    assert LATE_LOOKUP in way.asked


async def test_where_the_newest_head_cannot_be_had_nothing_is_told(log: Log, client: Client) -> None:
    way = Way("direct", lambda name: b"a login page" if name == "latest" else log.serve(name))
    one = client(ops := MemoryOps(way))
    await one.lookup(EARLY, "v1.0.0")
    log.grows(700)
    assert await one.tile(parse_tile("tile/8/0/002.p/9")) is None
    assert [error.asked for error in ops.told] == ["sum.example.com latest"]

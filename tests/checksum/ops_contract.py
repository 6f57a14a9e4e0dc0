"""What every Ops guarantees. A test class inherits this and gives the fixture `make_ops`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from modgate.checksum.ops import Ops
from modgate.errors import Absent, Corrupt, Unavailable

Make = Callable[..., Ops]
"""Makes an Ops over ways, each a mapping from names to contents, in the order in which they are asked."""

TILE = "tile/8/0/000.p/1"
LOOKUP = "lookup/example.com/!m@v1.0.0"


def seen(data: bytes, way: str) -> tuple[bytes, str]:
    return data, way


class OpsContract:
    """The guarantees."""

    async def test_a_file_comes_with_the_name_of_its_way(self, make_ops: Make) -> None:
        ops = make_ops({TILE: b"first"}, {TILE: b"second"})
        data, first = await ops.fetch(TILE, seen)
        assert data == b"first"
        assert first

    async def test_a_way_whose_bytes_are_refused_leads_to_the_next_one(self, make_ops: Make) -> None:
        ops = make_ops({TILE: b"bad"}, {TILE: b"good"})
        ways: list[str] = []

        def use(data: bytes, way: str) -> bytes:
            ways.append(way)
            if data == b"bad":
                raise Corrupt(asked=TILE, source=way, reason="is bad")
            return data

        assert await ops.fetch(TILE, use) == b"good"
        assert len(set(ways)) == 2

    async def test_a_way_that_is_left_out_leads_to_the_next_one(self, make_ops: Make) -> None:
        ops = make_ops({TILE: b"perhaps"}, {TILE: b"good"})

        def use(data: bytes, way: str) -> bytes:
            if data == b"perhaps":
                raise Unavailable(asked=TILE, source=way, reason="is left out")
            return data

        assert await ops.fetch(TILE, use) == b"good"

    async def test_where_every_way_is_refused_the_last_word_is_corrupt(self, make_ops: Make) -> None:
        def use(data: bytes, way: str) -> bytes:
            raise Corrupt(asked=TILE, source=way, reason="is bad")

        with pytest.raises(Corrupt):
            await make_ops({TILE: b"bad"}, {TILE: b"bad"}).fetch(TILE, use)

    async def test_what_no_way_has_is_absent(self, make_ops: Make) -> None:
        with pytest.raises(Absent):
            await make_ops({}, {}).fetch(LOOKUP, seen)

    async def test_what_is_kept_is_there_until_it_is_dropped(self, make_ops: Make) -> None:
        ops = make_ops({})
        assert await ops.kept(LOOKUP) is None
        await ops.keep(LOOKUP, b"data")
        assert await ops.kept(LOOKUP) == b"data"
        await ops.drop(LOOKUP)
        await ops.drop(LOOKUP)
        assert await ops.kept(LOOKUP) is None

    async def test_what_was_dropped_may_be_kept_with_other_content(self, make_ops: Make) -> None:
        ops = make_ops({})
        await ops.keep(TILE, b"bad")
        await ops.drop(TILE)
        await ops.keep(TILE, b"good")
        assert await ops.kept(TILE) == b"good"

    async def test_a_head_is_remembered(self, make_ops: Make) -> None:
        ops = make_ops({})
        assert await ops.head() is None
        assert await ops.advance(None, b"one")
        assert await ops.advance(b"one", b"two")
        assert await ops.head() == b"two"

    async def test_a_head_advances_only_from_what_is_remembered(self, make_ops: Make) -> None:
        ops = make_ops({})
        assert await ops.advance(None, b"one")
        assert not await ops.advance(None, b"other")
        assert not await ops.advance(b"zero", b"other")
        assert await ops.head() == b"one"

    async def test_of_many_who_advance_from_one_head_one_wins(self, make_ops: Make) -> None:
        ops = make_ops({})
        won = await asyncio.gather(*(ops.advance(None, b"%d" % number) for number in range(20)))
        assert won.count(True) == 1
        assert await ops.head() == b"%d" % won.index(True)

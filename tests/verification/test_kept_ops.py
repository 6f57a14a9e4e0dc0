"""Ops on a real data directory keeps the contract, and a head outlives its process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from modgate.cache.changing import Changing
from modgate.cache.smallfiles import SmallFiles
from modgate.checksum.databases import Database
from modgate.checksum.kept import KeptOps, NoWays
from modgate.checksum.ways import Proxy, Ways
from modgate.errors import Absent, Corrupt, Unavailable
from modgate.observe.events import Events
from modgate.observe.metrics import Metrics
from modgate.source.base import Cached, Terms
from modgate.storage.store import Store, open_store
from modgate.storage.tree import Tree
from tests.checksum.ops_contract import TILE, Make, OpsContract, seen

NAME = "sum.example.com"


class Serving:
    """An upstream that relays the database, or the database itself."""

    def __init__(self, name: str, files: Mapping[str, bytes]) -> None:
        self.name = name
        self._files = {**files, "supported": b""}
        self.asked: list[str] = []

    async def fetch(self, name: str, most: int, label: str) -> bytes:
        self.asked.append(name)
        rest = name.removeprefix(f"sumdb/{NAME}/")
        if rest not in self._files:
            raise Absent(asked=label, source=self.name, reason="answered 404")
        return self._files[rest]


class Place:
    """A data directory that is open."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.told: list[str] = []
        self.events = Events(Metrics(), lambda name, **fields: self.told.append(name))

    def ops(self, *ways: Mapping[str, bytes], after: str = ",", elsewhere: Path | None = None) -> KeptOps:
        *proxies, direct = (Serving(f"way {number}", files) for number, files in enumerate(ways))
        reach = Ways(NAME, [Proxy(proxy, after) for proxy in proxies], direct)
        return self.over(reach, elsewhere)

    def over(self, reach: Ways | NoWays, elsewhere: Path | None = None) -> KeptOps:
        layout = self.store.layout
        namespace = self.store.namespace(f"sumdb/{NAME}", Tree(layout.root, layout.quarantine))
        return KeptOps(NAME, reach, namespace, self.store.cells, self.events, most=65536, elsewhere=elsewhere)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with AsyncExitStack() as stack:
        yield Place(open_store(stack, tmp_path, Events(Metrics(), lambda *_, **__: None)))


class TestKeptOps(OpsContract):
    """On a disk."""

    @pytest.fixture
    def make_ops(self, place: Place) -> Make:
        return place.ops


async def test_a_way_that_fails_is_the_last_word_after_a_comma(place: Place) -> None:
    with pytest.raises(Absent):
        await place.ops({}, {TILE: b"there"}).fetch(TILE, seen)
    assert (await place.ops({}, {}, {TILE: b"there"}, after="|").fetch("supported", seen))[0] == b""


async def test_what_the_gateway_has_verified_is_relayed_before_it_is_durable(place: Place) -> None:
    ops = place.ops({})
    namespace = place.store.namespace(f"sumdb/{NAME}", Tree(place.store.layout.root, place.store.layout.quarantine))
    defects = list[BaseException]()
    files = SmallFiles(namespace, place.events, Metrics(), defects.append, most=65536)
    changing = Changing(namespace, Metrics(), defects.append)
    ways = Ways(NAME, [], Serving("the database", {}))
    relay = Database(NAME, ways, files, changing, is_private=lambda _: False, most=65536)
    async with asyncio.TaskGroup() as group:
        keeping = group.create_task(ops.keep(TILE, bytes(32)))
        while namespace.arriving(TILE) is None:
            await asyncio.sleep(0)
        told = await relay.get(TILE, Terms())
        assert not keeping.done()
    assert (told.data, told.cached) == (bytes(32), Cached.HIT)
    assert namespace.arriving(TILE) is None
    assert (await relay.get(TILE, Terms())).data == bytes(32)
    await relay.close()
    assert defects == []


async def test_each_lie_is_an_event(place: Place) -> None:
    def use(data: bytes, way: str) -> bytes:
        if data == b"bad":
            raise Corrupt(asked=TILE, source=way, reason="is bad")
        return data

    await place.ops({TILE: b"bad"}, {TILE: b"good"}).fetch(TILE, use)
    assert place.told == ["corrupt_answer"]


async def test_what_is_dropped_is_an_event_and_lies_in_the_quarantine(place: Place) -> None:
    ops = place.ops({})
    await ops.keep(TILE, b"bad")
    await ops.drop(TILE)
    assert place.told == ["unproven_file"]
    assert [path.read_bytes() for path in place.store.layout.quarantine.iterdir()] == [b"bad"]


async def test_what_no_file_system_takes_the_name_of_is_no_trouble_of_the_store(place: Place) -> None:
    ops, name = place.ops({}), f"lookup/example.com/{'a' * 200}@v1.0.0-{'b' * 60}"
    with pytest.raises(Unavailable, match="longer name"):
        await ops.keep(name, b"a record")
    assert await ops.kept(name) is None
    assert (place.store.health.problem, place.told) == ("", [])


async def test_another_directory_of_databases_is_read_too(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere" / NAME / TILE
    file.parent.mkdir(parents=True)
    file.write_bytes(b"there")
    ops = place.ops({}, elsewhere=tmp_path / "elsewhere")
    assert await ops.kept(TILE) == b"there"
    await ops.keep(TILE, b"here")
    assert await ops.kept(TILE) == b"here"


async def test_where_nobody_may_be_asked_it_is_unavailable(place: Place) -> None:
    with pytest.raises(Unavailable):
        await place.over(NoWays(NAME)).fetch(TILE, seen)

"""Which requests are answered from where, and what is recorded for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from modgate.checksum.log import OwnLog
from modgate.checksum.own import OwnDatabase
from modgate.checksum.ownsums import Grounds
from modgate.errors import Absent, Malformed, Unavailable
from modgate.gomod import ModulePath
from modgate.observe.events import Events
from modgate.observe.families import EVENTS
from modgate.observe.metrics import Metrics
from modgate.source.base import FOREVER, Cached, Freshness, Terms
from modgate.storage.log import SqliteLog
from modgate.tlog.ed25519 import Ed25519Verifier
from modgate.tlog.tree import parse_lookup
from tests.checksum.log import NAME, key_of, record_text
from tests.checksum.stores import MemoryStore

KEY = key_of(NAME)
TOOLCHAIN = "golang.org/toolchain@v0.0.1-go1.22.0.linux-amd64"


@dataclass
class Sums:
    """Knows every module but those it is told to lack."""

    salt: str
    absent: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    is_down: bool = False
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()

    async def grounds(self, path: ModulePath, version: str, terms: Terms) -> Grounds:
        self.asked.append(f"{path}@{version}")
        assert terms.deadline == FOREVER
        await self.open.wait()
        if self.is_down:
            raise Unavailable(reason="is away")
        if path in self.absent:
            raise Absent(reason="is unknown")
        return Grounds(record_text(path, version, self.salt), "{}")


@dataclass
class World:
    """One database and all that it stands on."""

    store: MemoryStore | SqliteLog
    private: Sums
    public: Sums
    metrics: Metrics
    database: OwnDatabase
    now: list[float]

    def events(self) -> float:
        return self.metrics.counter(EVENTS, "tile_beyond_log").value


async def started(store: MemoryStore | SqliteLog) -> World:
    defects: list[BaseException] = []
    log = OwnLog(NAME, store, [KEY], [Ed25519Verifier(KEY.verifier_key)])
    await log.start()
    private, public, metrics, now = Sums("private"), Sums("public"), Metrics(), [1000.0]
    database = OwnDatabase(
        log,
        private=private,
        public=public,
        is_private=lambda path: path.startswith(("corp.example", "golang.org/toolchain")),
        stamp=lambda path: (7, len(path)),
        events=Events(metrics, lambda *_, **__: None),
        unexpected=defects.append,
        clock=lambda: now[0],
    )
    return World(store, private, public, metrics, database, now)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = await started(MemoryStore())
    yield made
    await made.database.close()


@pytest.mark.parametrize(
    ("module", "salt"),
    [("corp.example/m@v1.0.0", "private"), ("rsc.io/quote@v1.5.2", "public"), (TOOLCHAIN, "public")],
)
async def test_private_modules_are_recorded_from_the_store_and_all_others_from_the_public_database(
    world: World, module: str, salt: str
) -> None:
    reply = await world.database.get(f"lookup/{module}", Terms())
    path, _, version = module.partition("@")
    assert parse_lookup(reply.data).text == record_text(path, version, salt)
    assert (reply.cached, reply.stamp, reply.fresh_until) == (Cached.MISS, (7, len(path)), 4600.0)
    assert (await world.database.get(f"lookup/{module}", Terms())).cached is Cached.HIT


async def test_lookups_of_one_module_at_one_time_are_one(world: World) -> None:
    replies = await asyncio.gather(*(world.database.get("lookup/corp.example/m@v1.0.0", Terms()) for _ in range(20)))
    assert len({reply.data for reply in replies}) == len(world.private.asked) == 1
    assert sorted(reply.cached for reply in replies) == ["coalesced"] * 19 + ["miss"]


async def test_what_is_not_there_or_cannot_be_found_out_is_not_appended(world: World) -> None:
    world.public.absent.add("rsc.io/none")
    world.private.is_down = True
    with pytest.raises(Absent, match="unknown"):
        await world.database.get("lookup/rsc.io/none@v1.0.0", Terms())
    with pytest.raises(Unavailable, match="away"):
        await world.database.get("lookup/corp.example/m@v1.0.0", Terms())
    assert await world.store.size() == 0
    world.private.is_down = False
    assert (await world.database.get("lookup/corp.example/m@v1.0.0", Terms())).data.startswith(b"0\n")


async def test_who_cannot_wait_any_longer_is_told_so_and_finds_it_done_later(world: World) -> None:
    world.private.open.clear()
    soon = asyncio.get_running_loop().time()
    with pytest.raises(Unavailable, match="still waiting"):
        await world.database.get("lookup/corp.example/m@v1.0.0", Terms(deadline=soon))
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(world.database.get("lookup/corp.example/m@v1.0.0", Terms()))
        await asyncio.sleep(0)
        world.private.open.set()
    assert waiting.result().cached is Cached.COALESCED
    assert len(world.private.asked) == 1


async def test_who_wants_nothing_fetched_gets_what_is_recorded(world: World) -> None:
    terms = Terms(freshness=Freshness.CACHED_ONLY)
    with pytest.raises(Absent, match="not recorded yet"):
        await world.database.get("lookup/corp.example/m@v1.0.0", terms)
    await world.database.get("lookup/corp.example/m@v1.0.0", Terms())
    assert (await world.database.get("lookup/corp.example/m@v1.0.0", terms)).cached is Cached.HIT


async def test_without_a_public_database_only_private_modules_are_recorded() -> None:
    world = await started(MemoryStore())
    world.database = OwnDatabase(
        OwnLog(NAME, world.store, [KEY], [Ed25519Verifier(KEY.verifier_key)]),
        private=world.private,
        public=None,
        is_private=lambda path: path.startswith("corp.example"),
        stamp=lambda path: (7, 7),
        events=Events(world.metrics, lambda *_, **__: None),
        unexpected=lambda error: None,
    )
    await world.database.get("lookup/corp.example/m@v1.0.0", Terms())
    with pytest.raises(Absent, match="no public database"):
        await world.database.get("lookup/rsc.io/quote@v1.5.2", Terms())


@pytest.mark.parametrize(
    "rest",
    [
        "", "lookup", "lookup/", "lookup/corp.example/m", "lookup/corp.example/m@main", "lookup/corp.example/m@v1",
        "lookup/corp.example/M@v1.0.0", "lookup/@v1.0.0", "lookup/corp.example/m@v1.0.0/go.mod", "tile/8/0/0",
        "tile/8/0/000.p/256", "Latest",
    ],
)  # fmt: skip
async def test_a_second_spelling_is_malformed(world: World, rest: str) -> None:
    with pytest.raises(Malformed):
        await world.database.get(rest, Terms())
    assert world.private.asked == world.public.asked == []


@pytest.mark.parametrize("version", ["v2.0.0", "v2.1.0-rc.1"])
async def test_a_version_that_no_module_of_the_path_can_have_is_absent(world: World, version: str) -> None:
    with pytest.raises(Absent, match="no version that this module can have"):
        await world.database.get(f"lookup/corp.example/m@{version}", Terms())
    assert world.private.asked == []


async def test_a_tile_beyond_the_log_is_told_once_a_minute(world: World) -> None:
    for now, told in ((1000.0, 1), (1059.0, 1), (1060.0, 2)):
        world.now[0] = now
        with pytest.raises(Absent, match="beyond the log"):
            await world.database.get("tile/8/0/000.p/1", Terms())
        assert world.events() == told


async def test_tiles_of_another_height_are_absent_and_no_event(world: World) -> None:
    with pytest.raises(Absent, match="height 8"):
        await world.database.get("tile/30/0/000", Terms())
    assert world.events() == 0


async def test_a_thousand_first_lookups_are_few_signatures(tmp_path: Path) -> None:
    store = SqliteLog(tmp_path / "log.db")
    world = await started(store)
    heads = {await store.head()}

    async def look(number: int) -> int:
        reply = await world.database.get(f"lookup/corp.example/m@v1.0.{number}", Terms())
        heads.add(parse_lookup(reply.data).note)
        return parse_lookup(reply.data).record_id

    assert sorted(await asyncio.gather(*(look(number) for number in range(1000)))) == list(range(1000))
    assert len(heads) <= 6
    await world.database.close()
    store.close()

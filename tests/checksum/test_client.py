"""A record is told only when it is proven to be in the one history of the database."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from modgate.checksum.client import SumClient
from modgate.checksum.timeline import MOST_TILES
from modgate.errors import Absent, Trouble, Unavailable
from modgate.gomod.paths import check_path
from modgate.tlog.ed25519 import Ed25519Verifier
from modgate.tlog.keys import parse_verifier_key
from modgate.tlog.tree import parse_signed_head
from tests.checksum.conftest import Client
from tests.checksum.fakes import MemoryOps, Shared, Way
from tests.checksum.log import NAME, Log, record_text, sums
from tests.world.database import Database

EARLY, LATE = check_path("example.com/early"), check_path("example.com/Late")
LATE_LOOKUP = "lookup/example.com/!late@v1.2.3"


def remembered(ops: MemoryOps) -> int:
    assert ops.shared.head is not None
    return parse_signed_head(ops.shared.head).size


async def test_a_record_is_told_with_all_its_evidence(log: Log, client: Client) -> None:
    verified = await client(MemoryOps(Way("direct", log.serve))).lookup(LATE, "v1.2.3")
    assert (verified.path, verified.version) == (LATE, "v1.2.3")
    assert verified.sums == sums(LATE, "v1.2.3")
    assert verified.record_id == 261
    assert verified.text == record_text(LATE, "v1.2.3")
    assert (verified.tree_size, verified.root) == (268, log.head().root)
    assert verified.head == log.note()


async def test_the_first_lookup_asks_for_what_the_go_command_asks_for(log: Log, client: Client) -> None:
    way = Way("direct", log.serve)
    await client(MemoryOps(way)).lookup(EARLY, "v1.0.0")
    assert sorted(way.asked) == [
        "lookup/example.com/early@v1.0.0",
        "tile/8/0/000",
        "tile/8/0/001.p/12",
        "tile/8/1/000.p/1",
    ]


async def test_what_was_proven_is_kept_and_its_head_remembered(log: Log, client: Client) -> None:
    ops = MemoryOps(way := Way("direct", log.serve))
    one = client(ops)
    await one.lookup(EARLY, "v1.0.0")
    await one.close(grace=5.0)
    assert ops.shared.head == log.note()
    assert ops.shared.files == {name: log.serve(name) for name in way.asked}


async def test_a_database_that_others_have_written_is_believed() -> None:
    database = Database(NAME)
    database.grows(300)
    database.records_sums("example.com/Late", "v1.2.3", record_text(LATE, "v1.2.3"))
    defects: list[BaseException] = []
    way = Way("direct", lambda name: database.answer(name).body)
    one = SumClient(NAME, [Ed25519Verifier(parse_verifier_key(database.key))], MemoryOps(way), defects.append)
    for size in (301, 512, 600):
        database.grows(size - len(database))
        assert (await one.lookup(LATE, "v1.2.3")).sums == sums(LATE, "v1.2.3")
    await one.close(grace=5.0)
    assert defects == []


def test_who_only_serves_loads_no_cryptography() -> None:
    program = "import sys, modgate.checksum.client, modgate.checksum.log; sys.exit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


async def test_after_a_restart_what_is_kept_is_proven_again_without_asking_anybody(log: Log, client: Client) -> None:
    ops = MemoryOps(Way("direct", log.serve))
    first = client(ops)
    verified = await first.lookup(EARLY, "v1.0.0")
    await first.close(grace=5.0)
    offline = MemoryOps(Way("direct", log.serve, is_down=True), shared=ops.shared)
    assert await client(offline).lookup(EARLY, "v1.0.0") == verified
    assert offline.ways[0].asked == []


async def test_what_the_database_does_not_have_is_absent(log: Log, client: Client) -> None:
    with pytest.raises(Absent):
        await client(MemoryOps(Way("direct", log.serve))).lookup(EARLY, "v9.9.9")


async def test_a_database_out_of_reach_is_unavailable_and_heals(log: Log, client: Client) -> None:
    way = Way("direct", log.serve, is_down=True)
    one = client(MemoryOps(way))
    with pytest.raises(Unavailable):
        await one.lookup(EARLY, "v1.0.0")
    way.is_down = False
    assert (await one.lookup(EARLY, "v1.0.0")).sums == sums(EARLY, "v1.0.0")


async def test_a_missing_tile_is_trouble_and_never_absence(log: Log, client: Client) -> None:
    def serve(name: str) -> bytes:
        if name.startswith("tile/8/0/000"):
            raise Absent(asked=name, reason="is gone")
        return log.serve(name)

    ops = MemoryOps(Way("direct", serve))
    with pytest.raises(Unavailable, match="does not have a tile") as caught:
        await client(ops).lookup(EARLY, "v1.0.0")
    assert caught.value.trouble is Trouble.ANSWER
    assert not ops.shared.files


@pytest.mark.parametrize("steps", [[1, 1], [242, 243, 244, 245], [500, 12, 1], [255, 1, 256, 1, 700]])
async def test_the_history_grows_over_every_boundary(log: Log, client: Client, steps: list[int]) -> None:
    ops = MemoryOps(Way("direct", log.serve))
    one = client(ops)
    for step in steps:
        log.grows(step)
        number = log.records("example.com/new", f"v1.0.{log.size}")
        verified = await one.lookup(check_path("example.com/new"), f"v1.0.{number}")
        assert verified.record_id == number
        assert verified.tree_size == remembered(ops) == log.size
        assert (await client(MemoryOps(*ops.ways)).lookup(EARLY, "v1.0.0")).tree_size == log.size


async def test_a_tree_of_three_levels_is_proven(client: Client) -> None:
    log = Log()
    first = log.records("example.com/early", "v1.0.0")
    log.grows(65_500)
    ops = MemoryOps(Way("direct", log.serve))
    one = client(ops)
    assert (await one.lookup(EARLY, "v1.0.0")).record_id == first
    log.grows(100)
    log.records("example.com/Late", "v1.2.3")
    assert (await one.lookup(LATE, "v1.2.3")).tree_size == log.size > 65_536
    assert any(name.startswith("tile/8/2/") for name in ops.ways[0].asked)


async def test_an_older_answer_is_believed_and_the_head_does_not_go_back(log: Log, client: Client) -> None:
    ops = MemoryOps(Way("direct", log.serve))
    one = client(ops)
    await one.lookup(LATE, "v1.2.3")
    ops.ways = [Way("old", lambda name: log.lookup(name, 100) if name.startswith("lookup/") else log.serve(name))]
    assert (await one.lookup(EARLY, "v1.0.0")).tree_size == 268
    assert remembered(ops) == 268


async def test_a_partial_tile_that_is_not_served_any_more_is_cut_from_the_full_one(log: Log, client: Client) -> None:
    log.grows(300)

    def serve(name: str) -> bytes:
        if name.startswith("lookup/"):
            return log.lookup(name, 268)
        if name == "tile/8/0/001.p/12":
            raise Absent(asked=name, reason="is complete now")
        return log.serve(name)

    ops = MemoryOps(Way("direct", serve))
    one = client(ops)
    assert (await one.lookup(LATE, "v1.2.3")).tree_size == 268
    await one.close(grace=5.0)
    assert ops.shared.files["tile/8/0/001.p/12"] == log.serve("tile/8/0/001.p/12")


async def test_a_way_that_cannot_be_reached_is_not_asked_for_the_full_tile_too(log: Log, client: Client) -> None:
    way = Way("direct", log.serve)

    def serve(name: str) -> bytes:
        way.is_down = True
        return log.serve(name)

    way.serve = serve
    with pytest.raises(Unavailable, match="refuses"):
        await client(MemoryOps(way)).lookup(LATE, "v1.2.3")
    assert "tile/8/0/001.p/12" in way.asked
    assert "tile/8/0/001" not in way.asked


async def test_a_kept_full_tile_answers_for_its_beginning(log: Log, client: Client) -> None:
    log.grows(300)
    kept = Shared({"tile/8/0/001": log.serve("tile/8/0/001")})
    way = Way("direct", lambda name: log.lookup(name, 268) if name.startswith("lookup/") else log.serve(name))
    await client(MemoryOps(way, shared=kept)).lookup(LATE, "v1.2.3")
    assert not [name for name in way.asked if name.startswith("tile/8/0/001")]


async def test_many_asks_for_one_thing_are_one_lookup(log: Log, client: Client) -> None:
    way = Way("direct", log.serve)
    one = client(MemoryOps(way))
    answers = await asyncio.gather(*(one.lookup(LATE, "v1.2.3") for _ in range(50)))
    assert len({answer.record_id for answer in answers}) == 1
    assert len(way.asked) == len(set(way.asked))


async def test_a_crowd_of_first_lookups_fetches_each_tile_once_and_merges_few_heads(log: Log, client: Client) -> None:
    numbers = {f"v1.0.{n}": log.records("example.com/crowd", f"v1.0.{n}") for n in range(200)}
    log.grows(50)

    def serve(name: str) -> bytes:
        # The database grows with each answer.
        if name.startswith("lookup/"):
            return log.lookup(name, 268 + int(name.rpartition(".")[2]) + 1)
        return log.serve(name)

    way = Way("direct", serve)
    one = client(ops := MemoryOps(way))
    crowd = check_path("example.com/crowd")
    answers = await asyncio.gather(*(one.lookup(crowd, version) for version in numbers))
    assert [answer.record_id for answer in answers] == list(numbers.values())
    assert len(way.asked) == len(set(way.asked)) < 210
    assert remembered(ops) == 468


async def test_who_stops_waiting_stops_nothing(log: Log, client: Client) -> None:
    way = Way("direct", log.serve)
    one = client(MemoryOps(way))
    impatient = asyncio.ensure_future(one.lookup(LATE, "v1.2.3"))  # noqa: TID251 cancelled below
    await asyncio.sleep(0)
    impatient.cancel()
    await one.lookup(LATE, "v1.2.3")
    assert way.asked.count(LATE_LOOKUP) == 1


async def test_a_deadline_ends_the_wait_with_unavailable(log: Log, client: Client) -> None:
    one = client(MemoryOps(Way("direct", log.serve)))
    with pytest.raises(Unavailable) as caught:
        await one.lookup(LATE, "v1.2.3", deadline=0.0)
    assert caught.value.trouble is Trouble.TIMEOUT
    assert "example.com/Late@v1.2.3" in caught.value.asked


async def test_two_processes_share_one_remembered_head(log: Log, client: Client) -> None:
    shared = Shared()
    way = Way("direct", log.serve)
    one, two = (client(MemoryOps(way, shared=shared)) for _ in range(2))
    await asyncio.gather(one.lookup(EARLY, "v1.0.0"), two.lookup(EARLY, "v1.0.0"))
    for step in range(1, 6):
        log.grows(step * 50)
        versions = [f"v2.0.{step}", f"v3.0.{step}"]
        for version in versions:
            log.records("example.com/early", version)
        await asyncio.gather(one.lookup(EARLY, versions[0]), two.lookup(EARLY, versions[1]))
        assert shared.head == log.note()


async def test_a_process_that_lags_behind_learns_the_newer_head_from_the_shared_one(log: Log, client: Client) -> None:
    lagging = MemoryOps(Way("direct", log.serve))
    one = client(lagging)
    assert (await one.lookup(EARLY, "v1.0.0")).tree_size == 268
    log.records("example.com/early", "v1.1.0")
    log.grows(300)
    lagging.shared.head = log.note()
    lagging.ways[0].serve = lambda name: log.lookup(name, 269) if name.startswith("lookup/") else log.serve(name)
    assert (await one.lookup(EARLY, "v1.1.0")).tree_size == 569
    assert lagging.shared.head == log.note()


async def test_a_head_that_cannot_be_remembered_proves_nothing_yet(log: Log, client: Client) -> None:
    ops = MemoryOps(Way("direct", log.serve))
    one = client(ops)
    ops.is_full = True
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            await one.lookup(EARLY, "v1.0.0")
        assert caught.value.trouble is Trouble.OURS
    ops.is_full = False
    await one.lookup(EARLY, "v1.0.0")
    assert remembered(ops) == 268


async def test_what_cannot_be_kept_is_told_all_the_same(log: Log, client: Client) -> None:
    ops = MemoryOps(Way("direct", log.serve))
    one = client(ops)
    await one.lookup(EARLY, "v1.0.0")
    ops.is_full = True
    assert (await one.lookup(LATE, "v1.2.3")).sums == sums(LATE, "v1.2.3")


@pytest.mark.parametrize("note", [b"", b"garbage", Log().note().replace(b"example", b"examples")])
async def test_a_remembered_head_that_cannot_be_verified_is_never_forgotten(
    log: Log, client: Client, note: bytes
) -> None:
    ops = MemoryOps(Way("direct", log.serve), shared=Shared(head=note))
    with pytest.raises(Unavailable, match="remembers a head") as caught:
        await client(ops).lookup(EARLY, "v1.0.0")
    assert caught.value.trouble is Trouble.OURS
    assert ops.shared.head == note


async def test_the_memory_of_tiles_is_bounded(client: Client) -> None:
    log = Log()
    for number in range(MOST_TILES + 40):
        log.records("example.com/many", f"v1.0.{number}")
        log.grows(255)
    one = client(MemoryOps(Way("direct", log.serve)))
    many = check_path("example.com/many")
    for number in range(MOST_TILES + 40):
        await one.lookup(many, f"v1.0.{number}")
    assert len(one._timeline._latest.tree) < MOST_TILES / 2

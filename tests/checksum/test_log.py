"""Our own log only grows: whatever dies, fails or runs beside it, what it said once stays true."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

from modgate.checksum.client import SumClient
from modgate.checksum.log import BATCH, OwnLog
from modgate.errors import Absent, Corrupt, Malformed, Unavailable
from modgate.gomod.paths import check_path
from modgate.tlog.ed25519 import Ed25519Signer, Ed25519Verifier
from modgate.tlog.note import open_note, parse_note
from modgate.tlog.proofs import tree_hash
from modgate.tlog.record import parse_data_tile
from modgate.tlog.tile import parse_tile
from modgate.tlog.tree import Head, parse_lookup, parse_signed_head
from tests.checksum.fakes import MemoryOps, Shared
from tests.checksum.log import NAME, key_of, record_text, sums
from tests.checksum.logstore_contract import LogStoreContract
from tests.checksum.stores import Faults, MemoryStore, MemoryWitness, Rows

T = TypeVar("T")
KEY = key_of(NAME)


class TestMemoryStore(LogStoreContract):
    """In memory."""

    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()


def own_log(
    store: MemoryStore, witness: MemoryWitness | None = None, signers: Sequence[Ed25519Signer] = (KEY,)
) -> OwnLog:
    return OwnLog(NAME, store, signers, [Ed25519Verifier(signer.verifier_key) for signer in signers], witness)


async def started(store: MemoryStore, witness: MemoryWitness | None = None) -> OwnLog:
    log = own_log(store, witness)
    await log.start()
    return log


def text(number: int) -> str:
    return record_text("example.com/m", f"v1.0.{number}")


async def records(log: OwnLog, *numbers: int) -> list[int]:
    return list(await asyncio.gather(*(log.record(f"example.com/m@v1.0.{n}", text(n)) for n in numbers)))


def is_beginning(head: Head, rows: Rows) -> bool:
    return head.root == tree_hash(head.size, lambda indexes: [rows.hashes[index] for index in indexes])


async def test_a_new_log_publishes_that_it_is_empty() -> None:
    store = MemoryStore()
    log = await started(store)
    assert parse_signed_head(log.published.note).size == 0
    assert store.rows.head == log.published.note


async def test_a_record_is_covered_by_the_head_when_its_number_is_told() -> None:
    log = await started(MemoryStore())
    for number in range(5):
        assert await records(log, number) == [number]
        answer = await log.lookup(f"example.com/m@v1.0.{number}")
        assert answer is not None
        lookup = parse_lookup(answer)
        assert (lookup.record_id, lookup.text, lookup.head.size) == (number, text(number), number + 1)
        assert open_note(lookup.note, [Ed25519Verifier(KEY.verifier_key)]).text


async def test_a_thousand_first_lookups_make_few_signatures() -> None:
    store = MemoryStore()
    log = await started(store)
    before = store.faults.writes
    assert sorted(await records(log, *range(1000), *range(1000))) == sorted([*range(1000), *range(1000)])
    assert store.appends <= 3
    assert store.faults.writes - before <= 6


async def test_more_than_a_batch_takes_more_than_one() -> None:
    store = MemoryStore()
    log = await started(store)
    await records(log, *range(BATCH + 10))
    assert len(store.rows.texts) == BATCH + 10


async def test_a_record_is_for_ever() -> None:
    log = await started(MemoryStore())
    await records(log, 1)
    with pytest.raises(Corrupt, match="other sums"):
        await log.record("example.com/m@v1.0.1", text(2))
    assert await records(log, 1) == [0]


async def test_what_is_no_record_is_not_appended() -> None:
    store = MemoryStore()
    log = await started(store)
    with pytest.raises(Malformed):
        await log.record("example.com/m@v1.0.1", "two\n\nrecords\n")
    assert not store.rows.texts


async def test_what_is_not_recorded_has_no_lookup() -> None:
    assert await (await started(MemoryStore())).lookup("example.com/m@v1.0.0") is None


async def test_tiles_of_every_width_are_served_and_none_beyond_the_log() -> None:
    store = MemoryStore()
    log = await started(store)
    await records(log, *range(300))
    assert len(await log.tile(parse_tile("tile/8/0/000"))) == 8192
    assert await log.tile(parse_tile("tile/8/0/000.p/7")) == (await log.tile(parse_tile("tile/8/0/000")))[: 7 * 32]
    assert parse_data_tile(await log.tile(parse_tile("tile/8/data/001.p/44"))) == store.rows.texts[256:]
    for path in ("tile/8/0/001.p/45", "tile/8/0/001", "tile/8/data/001.p/45", "tile/8/1/000.p/2", "tile/8/7/000.p/1"):
        with pytest.raises(Absent, match="beyond the log"):
            await log.tile(parse_tile(path))


async def test_our_client_believes_our_log_as_it_grows() -> None:
    log = await started(MemoryStore())
    defects: list[BaseException] = []

    class Served(MemoryOps):
        async def fetch(self, name: str, use: Callable[[bytes, str], T]) -> T:
            kind, _, rest = name.partition("/")
            return use((await log.lookup(rest) or b"") if kind == "lookup" else await log.tile(parse_tile(name)), "us")

    one = SumClient(NAME, [Ed25519Verifier(KEY.verifier_key)], Served(shared=Shared()), defects.append)
    for first in (0, 1, 255, 256, 257, 300, 511, 520):
        await records(log, *range(first, first + 20))
        verified = await one.lookup(check_path("example.com/m"), f"v1.0.{first}")
        assert verified.sums == sums("example.com/m", f"v1.0.{first}")
    await one.close(grace=5.0)
    assert defects == []


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("at", range(12))
async def test_whatever_write_fails_nothing_that_was_said_becomes_false(at: int, done: bool) -> None:
    faults = Faults(at, done)
    rows, witness = Rows(), MemoryWitness(faults)
    said: list[Head] = []
    numbers: dict[int, int] = {}
    for life in range(3):
        log = own_log(MemoryStore(rows, faults), witness)
        for step in range(3):
            try:
                await log.start()
                wanted = [life * 10 + step, life * 10 + step + 5]
                told = await records(log, *wanted)
            except Unavailable:
                break  # the process dies
            said.append(log.published.head)
            assert all(numbers.setdefault(n, number) == number for n, number in zip(wanted, told, strict=True))
    assert faults.writes > at
    last = await started(MemoryStore(rows), witness)
    assert all(is_beginning(head, rows) and head.size <= last.published.head.size for head in said)
    assert last.published.head.size == len(rows.texts)
    assert witness.note == last.published.note
    for n, number in numbers.items():
        assert await records(last, n) == [number]


async def test_an_error_is_told_to_all_who_waited_and_the_next_ask_heals() -> None:
    store = MemoryStore()
    log = await started(store)
    store.faults = Faults(at=0)
    asks = [log.record(f"example.com/m@v1.0.{n}", text(n)) for n in range(50)]
    outcomes = await asyncio.gather(*asks, return_exceptions=True)
    assert store.faults.writes < 6
    assert any(isinstance(outcome, Unavailable) for outcome in outcomes)
    assert len(set(await records(log, *range(50)))) == 50


async def test_who_is_cancelled_while_writing_leaves_the_others_served() -> None:
    log = await started(MemoryStore())
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(log.record(f"example.com/m@v1.0.{n}", text(n))) for n in range(20)]
        for _ in range(4):
            await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[7].cancel()
    assert len({task.result() for task in tasks if not task.cancelled()}) == 18


async def test_two_processes_write_one_log() -> None:
    rows, witness = Rows(), MemoryWitness()
    one, two = [await started(MemoryStore(rows), witness) for _ in range(2)]
    told = await asyncio.gather(*(records(log, *range(start, start + 60)) for log, start in ((one, 0), (two, 30))))
    assert told[0][30:] == told[1][:30]
    assert len(rows.texts) == len(set(rows.texts)) == 90
    assert is_beginning(one.published.head, rows)
    assert is_beginning(two.published.head, rows)
    assert await two.lookup("example.com/m@v1.0.0") is not None
    assert witness.note == rows.head


async def test_a_log_restored_from_an_older_copy_signs_nothing() -> None:
    rows, witness = Rows(), MemoryWitness()
    log = await started(MemoryStore(rows), witness)
    await records(log, 1, 2)
    backup = copy.deepcopy(rows)
    await records(log, 3)
    with pytest.raises(Corrupt, match="older copy"):
        await started(MemoryStore(backup), witness)
    assert backup.head is not None
    assert parse_signed_head(backup.head).size == 2


async def test_while_the_witness_fails_nothing_new_is_published_and_what_was_is_served_by_all() -> None:
    rows, witness = Rows(), MemoryWitness()
    one, two = [await started(MemoryStore(rows), witness) for _ in range(2)]
    await records(one, 1)
    known, witness.is_down = rows.head, True
    assert known == one.published.note == witness.note
    with pytest.raises(Unavailable, match="went away"):
        await records(one, 2)
    assert (rows.head, len(rows.texts)) == (known, 2), "the record is there, and no head that the witness lacks"
    with pytest.raises(Unavailable, match="went away"):
        await two.lookup("example.com/m@v1.0.2")
    for log in (one, two):
        answer = await log.lookup("example.com/m@v1.0.1")
        assert answer is not None and parse_lookup(answer).note == known
        assert (await log.latest()).note == known
        assert await log.tile(parse_tile("tile/8/0/000.p/1"))
    with pytest.raises(Unavailable, match="went away"):
        await started(MemoryStore(rows), witness)
    witness.is_down = False
    assert await two.lookup("example.com/m@v1.0.2") is not None
    assert parse_signed_head(witness.note or b"").size == 2


async def test_a_new_witness_is_told_at_the_start() -> None:
    rows, witness = Rows(), MemoryWitness()
    await records(await started(MemoryStore(rows)), 1)
    log = await started(MemoryStore(rows), witness)
    assert witness.note == log.published.note


@pytest.mark.parametrize("grown", [False, True], ids=["as it was", "grown since"])
async def test_an_older_copy_put_below_a_running_process_takes_nothing_back(grown: bool) -> None:
    store = MemoryStore()
    log = await started(store)
    await records(log, 1, 2)
    backup = copy.deepcopy(store.rows)
    await records(log, 3)
    known, store.rows = log.published, backup
    if grown:
        await records(await started(MemoryStore(backup)), 4, 5)
    with pytest.raises(Corrupt, match=r"older copy|other content"):
        await log.latest()
    with pytest.raises(Corrupt, match=r"older copy|other content"):
        await records(log, 6)
    assert log.published == known


async def test_a_log_that_grew_otherwise_than_the_witness_saw_signs_nothing() -> None:
    rows, witness = Rows(), MemoryWitness()
    await records(await started(MemoryStore(rows), witness), 1, 2)
    other = MemoryStore()
    await records(await started(other), 3, 4, 5)
    before = other.rows.head
    with pytest.raises(Corrupt, match="other content"):
        await started(other, witness)
    assert other.rows.head == before


async def test_a_log_whose_hashes_changed_signs_nothing() -> None:
    store = MemoryStore()
    log = await started(store)
    await records(log, 1, 2, 3)
    before = store.rows.head
    store.rows.hashes[2] = bytes(32)
    with pytest.raises(Corrupt, match="other content"):
        await records(log, 4)
    with pytest.raises(Corrupt, match="other content"):
        await started(store)
    assert store.rows.head == before


async def test_a_new_key_signs_beside_the_old_one_and_then_alone() -> None:
    store, witness, new = MemoryStore(), MemoryWitness(), key_of(NAME, 2)
    await records(await started(store, witness), 1)
    with pytest.raises(Corrupt, match="a new key signs beside the old one first"):
        await own_log(store, witness, [new]).start()
    both = own_log(store, witness, [KEY, new])
    await both.start()
    assert len(parse_note(both.published.note).signatures) == 2
    assert witness.note == both.published.note
    alone = own_log(store, witness, [new])
    await alone.start()
    assert await records(alone, 2) == [1]
    assert [signature.key_id for signature in parse_note(alone.published.note).signatures] == [new.key_id]

"""Zips are fetched once, streamed while they come, and never complete in anybody's hands unless they are right."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from modgate.cache.evidence import Complete
from modgate.cache.spool import HOLD
from modgate.errors import Absent, Corrupt, Unavailable
from modgate.gomod import ModulePath
from modgate.net.turns import asked_by
from modgate.source.base import Ask, Cached, Freshness, Reader, Terms
from tests.cache.fakes import LIST, PIECE, ZIP, Scripted, cellar, module_zip, read_all

ONE = replace(ZIP, path=ModulePath("example.com/one"))
BIG = module_zip(600_000)
SMALL = module_zip(1_000)


async def test_a_zip_is_fetched_once_and_then_comes_from_the_tree(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        it.source.holds[ZIP] = BIG
        assert await it.body(ZIP) == BIG
        assert await it.body(ZIP) == BIG
        assert len(it.source.asked) == 1
        answer = await it.cache.get(ZIP, Terms())
        assert answer.cached is Cached.HIT
        assert answer.digest == hashlib.sha256(BIG).hexdigest()
        assert it.litter() == []


async def test_a_hundred_clients_cause_one_transfer(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        it.source.holds[ZIP] = BIG
        bodies = await asyncio.gather(*(it.body(ZIP) for _ in range(100)))
        assert set(bodies) == {BIG}
        assert len(it.source.asked) == 1


async def test_two_processes_on_one_store_cause_one_transfer(tmp_path: Path) -> None:
    source = Scripted()
    source.holds[ZIP] = BIG
    async with cellar(tmp_path, source) as one, cellar(tmp_path, source) as other:
        bodies = await asyncio.gather(*(it.body(ZIP) for _ in range(20) for it in (one, other)))
        assert set(bodies) == {BIG}
        assert len(source.asked) == 1


async def test_who_wants_many_zips_does_not_keep_out_who_wants_one(tmp_path: Path) -> None:
    async with cellar(tmp_path, downloads=1) as it:
        many = [replace(ZIP, version=f"v1.0.{number}") for number in range(4)]
        async with asyncio.TaskGroup() as group:

            async def fetch(client: str, ask: Ask) -> None:
                asked_by(client)
                await it.body(ask)

            it.source.paused.clear()
            for ask in many:
                it.source.holds[ask] = module_zip(300_000, version=ask.version)
                group.create_task(fetch("greedy", ask))
            while not it.source.asked:
                await asyncio.sleep(0)
            it.source.holds[ONE] = module_zip(1_000, path=ONE.path)
            group.create_task(fetch("modest", ONE))
            while it.cache.under_way < 5:
                await asyncio.sleep(0)
            it.source.paused.set()
        assert it.source.asked.index(ONE) == 2, "after the one under way and the one that waited for longest"


async def test_the_first_bytes_come_before_the_last_ones_have_arrived(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        it.source.holds[ZIP] = BIG
        it.source.paused.clear()
        answer = await it.cache.get(ZIP, Terms())
        assert answer.body.size == len(BIG)
        reader = await answer.body.open()  # type: ignore[union-attr]
        first = await reader.read()
        assert BIG.startswith(first)
        assert 0 < len(first) <= len(BIG) // 2 - HOLD + PIECE
        it.source.paused.set()
        rest = b"".join([piece async for piece in pieces(reader)])
        assert first + rest == BIG


async def pieces(reader: Reader) -> AsyncIterator[bytes]:
    while piece := await reader.read():
        yield piece


async def test_a_client_that_goes_away_does_not_stop_the_download(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        it.source.holds[ZIP] = BIG
        it.source.paused.clear()
        async with asyncio.TaskGroup() as group:
            client = group.create_task(it.body(ZIP))
            while not it.source.asked:
                await asyncio.sleep(0)
            client.cancel()
        it.source.paused.set()
        assert await it.body(ZIP) == BIG
        assert len(it.source.asked) == 1


@pytest.mark.parametrize("resumes", [True, False])
async def test_a_transfer_that_breaks_is_continued_or_compared(tmp_path: Path, resumes: bool) -> None:
    async with cellar(tmp_path) as it:
        it.source.holds[ZIP] = BIG
        it.source.cuts = [300_000]
        it.source.resumes = resumes
        assert await it.body(ZIP) == BIG
        assert it.source.starts == [0, 300_000 if resumes else 0]


async def test_a_transfer_that_goes_on_with_other_content_cuts_its_readers_and_begins_anew(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        other = module_zip(600_000)
        it.source.holds[ZIP] = BIG
        it.source.paused.clear()
        it.source.cuts = [500_000]
        answer = await it.cache.get(ZIP, Terms())
        it.source.holds[ZIP] = other
        it.source.paused.set()
        with pytest.raises(Unavailable, match="other content"):
            await read_all(answer)
        assert await it.body(ZIP) == other


async def test_a_zip_that_always_breaks_is_unavailable_and_not_remembered(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        it.source.holds[ZIP] = SMALL
        it.source.cuts = [100] * 10
        with pytest.raises(Unavailable):
            await it.body(ZIP)
        assert it.litter() == []
        it.source.cuts = []
        assert await it.body(ZIP) == SMALL


@pytest.mark.parametrize("size", [1_000, 600_000])
async def test_a_zip_that_breaks_the_rules_is_never_complete_in_a_clients_hands(tmp_path: Path, size: int) -> None:
    bad = module_zip(size, version="v9.9.9")
    async with cellar(tmp_path) as it:
        it.source.holds[ZIP] = bad
        with pytest.raises(Corrupt):
            await it.body(ZIP)
        assert not it.file(ZIP).exists()
        assert it.litter() == []
        with pytest.raises(Corrupt):  # the verdict is told, not found again
            await it.cache.get(ZIP, Terms())
        assert len(it.source.asked) == 1
        it.clock.now += 61
        it.source.holds[ZIP] = SMALL
        assert await it.body(ZIP) == SMALL
        assert "corrupt_answer" in it.events


async def test_a_check_that_says_no_keeps_the_last_bytes_back(tmp_path: Path) -> None:
    async def no(complete: Complete) -> str:
        raise Corrupt(asked=str(complete.ask), reason="is not in the log")

    async with cellar(tmp_path, checks=(no,)) as it:
        it.source.holds[ZIP] = BIG
        answer = await it.cache.get(ZIP, Terms())
        reader, got = await answer.body.open(), []  # type: ignore[union-attr]

        async def read_on() -> None:
            while piece := await reader.read():
                got.append(piece)

        with pytest.raises(Corrupt):
            await read_on()
        assert sum(map(len, got)) <= len(BIG) - HOLD
        assert not it.file(ZIP).exists()


@pytest.mark.parametrize("damage", ["flip", "truncate", "grow"])
async def test_a_damaged_file_is_noticed_fetched_again_and_has_to_match(tmp_path: Path, damage: str) -> None:
    source = Scripted()
    source.holds[ZIP] = BIG
    async with cellar(tmp_path, source) as it:
        assert await it.body(ZIP) == BIG
        file = it.file(ZIP)
    data = bytearray(BIG)
    if damage == "flip":
        data[300_000] ^= 1
    file.write_bytes(bytes(data[:-1] if damage == "truncate" else data + b"x" if damage == "grow" else data))
    async with cellar(tmp_path, source) as it:
        assert await it.body(ZIP) == BIG
        assert len(source.asked) == 2
        assert it.events == ["damaged_file"]
        assert len(os.listdir(it.layout.quarantine)) == 1


async def test_other_content_for_a_version_that_was_seen_before_is_corrupt(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        it.source.holds[ZIP] = BIG
        assert await it.body(ZIP) == BIG
        it.file(ZIP).unlink()
        it.source.holds[ZIP] = module_zip(600_000)
        with pytest.raises(Corrupt, match="first seen"):
            await it.body(ZIP)
        assert "different_content" in it.events


async def test_other_bytes_with_the_same_content_are_welcome(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        it.source.holds[ZIP] = module_zip(1000, seed=7)
        assert await it.body(ZIP) == it.source.holds[ZIP]
        it.file(ZIP).unlink()
        again = repacked(it.source.holds[ZIP])
        assert again != it.source.holds[ZIP]
        it.source.holds[ZIP] = again
        assert await it.body(ZIP) == again


def repacked(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return buffer.getvalue()


async def test_a_file_that_was_copied_into_the_tree_is_proven_and_pinned(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        it.file(ZIP).parent.mkdir(parents=True)
        it.file(ZIP).write_bytes(BIG)
        assert await it.body(ZIP) == BIG
        assert it.source.asked == []
        pin = it.namespace.pin(ZIP.name)
        assert pin is not None
        assert pin.source == "imported"


async def test_a_bad_file_that_was_copied_into_the_tree_is_never_served(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        it.file(ZIP).parent.mkdir(parents=True)
        it.file(ZIP).write_bytes(BIG[:-100])
        with pytest.raises(Absent):
            await it.body(ZIP)
        assert it.events == ["damaged_file"]


async def test_only_the_cache_means_nobody_is_asked(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        it.source.holds[ZIP] = BIG
        with pytest.raises(Absent):
            await it.cache.get(ZIP, Terms(freshness=Freshness.CACHED_ONLY))
        assert it.source.asked == []


async def test_head_of_a_cold_zip_downloads_nothing(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        it.source.holds[ZIP] = BIG
        answer = await it.cache.get(ZIP, Terms(body=False))
        assert answer.body.size == len(BIG)
        assert it.litter() == []
        assert not it.file(ZIP).exists()


async def test_a_full_spool_refuses_new_downloads_and_keeps_serving(tmp_path: Path) -> None:
    async with cellar(tmp_path, spool=700_000) as it:
        it.source.holds[ZIP] = BIG
        assert await it.body(ZIP) == BIG
        other = replace(ZIP, version="v1.1.0")
        it.source.holds[other] = module_zip(900_000, version="v1.1.0")
        with pytest.raises(Unavailable, match=r"limits\.spool"):
            await it.body(other)
        assert await it.body(ZIP) == BIG
        assert it.litter() == []


async def test_a_fetched_version_expires_a_list_that_lacks_it(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        it.source.holds |= {LIST: b"v0.9.0\n", ZIP: SMALL}
        assert await it.body(LIST) == b"v0.9.0\n"
        it.source.holds[LIST] = b"v0.9.0\nv1.0.0\n"
        assert await it.body(LIST) == b"v0.9.0\n"
        await it.body(ZIP)
        await it.settle()  # what goes on after the answer has ended
        assert await it.body(LIST) == b"v0.9.0\nv1.0.0\n"

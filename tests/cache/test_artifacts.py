"""Small files are fetched once, one without the other, pinned, and proven at each look."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from modgate.cache.evidence import Complete
from modgate.errors import Absent, Corrupt, Unavailable
from modgate.source.base import Cached, Freshness, Terms
from tests.cache.fakes import INFO, MOD, Scripted, cellar

GOMOD = b"module example.com/m\n"
STAMP = b'{"Version":"v1.0.0","Time":"2020-01-02T03:04:05+02:00"}'


async def test_a_mod_is_fetched_alone_and_once(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        it.source.holds[MOD] = GOMOD
        bodies = await asyncio.gather(*(it.body(MOD) for _ in range(100)))
        assert set(bodies) == {GOMOD}
        assert it.source.asked == [MOD]
        await it.settle()
        assert it.file(MOD).read_bytes() == GOMOD
        assert it.litter() == []
        assert (await it.cache.get(MOD, Terms())).cached is Cached.HIT


async def test_an_info_is_kept_byte_for_byte(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        it.source.holds[INFO] = STAMP
        assert await it.body(INFO) == STAMP
        await it.settle()
        assert it.file(INFO).read_bytes() == STAMP


async def test_two_processes_share_one_fetch(tmp_path: Path) -> None:
    source = Scripted()
    source.holds[MOD] = GOMOD
    async with cellar(tmp_path, source) as one, cellar(tmp_path, source) as other:
        bodies = await asyncio.gather(*(it.body(MOD) for _ in range(50) for it in (one, other)))
        assert set(bodies) == {GOMOD}
        assert len(source.asked) == 1


async def test_a_damaged_file_is_fetched_again(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        it.source.holds[MOD] = GOMOD
        await it.body(MOD)
        await it.settle()
        it.file(MOD).write_bytes(GOMOD.replace(b"m\n", b"n\n"))
        assert await it.body(MOD) == GOMOD
        assert it.events == ["damaged_file"]


async def test_a_damaged_file_whose_upstream_is_down_is_trouble_and_no_absence(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        it.source.holds[MOD] = GOMOD
        await it.body(MOD)
        await it.settle()
        it.file(MOD).write_bytes(b"")
        it.source.errors = [Unavailable(reason="answered 503")]
        with pytest.raises(Unavailable):
            await it.body(MOD)


async def test_other_content_than_was_first_seen_is_corrupt(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        it.source.holds[MOD] = GOMOD
        await it.body(MOD)
        await it.settle()
        it.file(MOD).unlink()
        it.source.holds[MOD] = b"module example.com/other\n"
        with pytest.raises(Corrupt, match="first seen"):
            await it.body(MOD)
        it.clock.now += 61
        it.source.holds[MOD] = GOMOD
        assert await it.body(MOD) == GOMOD


async def test_an_info_that_is_worded_differently_after_a_loss_is_told_and_allowed(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        it.source.holds[INFO] = STAMP
        await it.body(INFO)
        await it.settle()
        it.file(INFO).unlink()
        it.source.holds[INFO] = STAMP.replace(b"{", b'{"Origin":{},', 1)
        assert await it.body(INFO) == it.source.holds[INFO]
        assert it.events == ["different_content"]


async def test_an_info_that_tells_another_time_after_a_loss_is_corrupt(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        it.source.holds[INFO] = STAMP
        await it.body(INFO)
        await it.settle()
        it.file(INFO).unlink()
        it.source.holds[INFO] = b'{"Version":"v1.0.0"}'
        with pytest.raises(Corrupt, match="first seen"):
            await it.body(INFO)
        it.source.holds[INFO] = STAMP
        assert await it.body(INFO) == STAMP


async def test_a_check_that_says_no_commits_nothing(tmp_path: Path) -> None:
    async def no(complete: Complete) -> str:
        assert complete.h1.startswith("h1:")
        raise Corrupt(asked=str(complete.ask), reason="is not in the log")

    async with cellar(tmp_path, checks=(no,)) as it:
        it.source.holds[MOD] = GOMOD
        with pytest.raises(Corrupt):
            await it.body(MOD)
        assert not it.file(MOD).exists()
        assert it.litter() == []


async def test_a_file_that_was_copied_into_the_tree_is_judged_before_it_is_served(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        it.file(MOD).parent.mkdir(parents=True)
        it.file(MOD).write_bytes(b"<html>log in</html>")
        it.file(INFO).write_bytes(STAMP)
        assert await it.body(INFO) == STAMP
        with pytest.raises(Absent):
            await it.body(MOD)
        assert it.events == ["damaged_file"]


async def test_absence_is_forgotten_when_the_version_comes(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        with pytest.raises(Absent):
            await it.body(MOD)
        it.source.holds[MOD] = GOMOD
        with pytest.raises(Absent):
            await it.body(MOD)
        it.clock.now += 1.5
        assert await it.body(MOD, Terms(freshness=Freshness.REFRESH)) == GOMOD
        assert await it.body(MOD) == GOMOD


async def test_a_store_that_cannot_be_written_refuses_new_things_and_serves_old_ones(tmp_path: Path) -> None:
    async with cellar(tmp_path) as it:
        it.source.holds |= {MOD: GOMOD, INFO: STAMP}
        assert await it.body(INFO) == STAMP
        await it.settle()
        it.layout.spool.rename(tmp_path / "away")
        it.layout.spool.write_bytes(b"not a directory any more")
        with pytest.raises(Unavailable, match="cannot store") as caught:
            await it.body(MOD)
        assert str(tmp_path) not in caught.value.reason
        assert await it.body(INFO) == STAMP
        it.layout.spool.unlink()
        (tmp_path / "away").rename(it.layout.spool)
        assert await it.body(MOD) == GOMOD
        await it.settle()
        assert it.events == ["store_failing", "store_working"]

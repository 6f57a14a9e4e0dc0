"""Lists and queries are fresh, stale or too old, and one upstream request serves any number of asks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from modgate.cache.freshness import Ages
from modgate.errors import Absent, Unavailable
from modgate.source.base import Cached, Freshness, Kind, Terms
from tests.cache.fakes import LIST, ZIP, Scripted, cellar

OLD, NEW = b"v1.0.0\n", b"v1.0.0\nv1.1.0\n"
AGES = Ages(fresh=60, stale=600, keep=6000, absent_path=100, absent_version=10)


async def test_a_fresh_list_is_answered_from_the_cache(tmp_path: Path) -> None:
    async with cellar(tmp_path, ages=AGES) as it:
        it.source.holds[LIST] = OLD
        assert (await it.cache.get(LIST, Terms())).cached is Cached.MISS
        await it.settle()
        answer = await it.cache.get(LIST, Terms())
        assert answer.cached is Cached.HIT
        assert answer.stamp is not None
        assert answer.fresh_until == it.clock.now + 60
        assert len(it.source.asked) == 1


async def test_a_stale_list_is_answered_at_once_and_refreshed_behind(tmp_path: Path) -> None:
    async with cellar(tmp_path, ages=AGES) as it:
        it.source.holds[LIST] = OLD
        await it.body(LIST)
        await it.settle()
        it.clock.now += 61
        it.source.holds[LIST] = NEW
        it.source.paused.clear()  # the upstream hangs: nobody waits for it
        answers = await asyncio.gather(*(it.cache.get(LIST, Terms()) for _ in range(50)))
        assert {answer.cached for answer in answers} == {Cached.STALE}
        it.source.paused.set()
        while len(it.source.asked) < 2:
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            while await it.body(LIST) != NEW:
                await asyncio.sleep(0)
        assert len(it.source.asked) == 2


async def test_a_list_that_is_too_old_is_asked_for_first_and_still_helps_when_that_fails(tmp_path: Path) -> None:
    async with cellar(tmp_path, ages=AGES) as it:
        it.source.holds[LIST] = OLD
        await it.body(LIST)
        await it.settle()
        it.clock.now += 601
        it.source.errors = [Unavailable(reason="answered 503")]
        answer = await it.cache.get(LIST, Terms())
        assert answer.cached is Cached.STALE
        it.source.holds[LIST] = NEW
        assert await it.body(LIST) == NEW


async def test_a_list_older_than_it_is_kept_does_not_help(tmp_path: Path) -> None:
    async with cellar(tmp_path, ages=AGES) as it:
        it.source.holds[LIST] = OLD
        await it.body(LIST)
        await it.settle()
        it.clock.now += 6001
        it.source.errors = [Unavailable(reason="answered 503")]
        with pytest.raises(Unavailable):
            await it.body(LIST)


async def test_absence_that_an_upstream_states_now_outranks_an_old_answer(tmp_path: Path) -> None:
    async with cellar(tmp_path, ages=AGES) as it:
        it.source.holds[LIST] = OLD
        await it.body(LIST)
        await it.settle()
        it.clock.now += 601
        del it.source.holds[LIST]
        with pytest.raises(Absent):
            await it.body(LIST)


async def test_no_cache_asks_at_most_once_a_second(tmp_path: Path) -> None:
    refresh = Terms(freshness=Freshness.REFRESH)
    async with cellar(tmp_path, ages=AGES) as it:
        it.source.holds[LIST] = OLD
        for _ in range(5):
            await it.body(LIST, refresh)
            await it.settle()
        assert len(it.source.asked) == 1
        it.clock.now += 1
        assert (await it.cache.get(LIST, refresh)).cached is Cached.REFRESHED
        assert len(it.source.asked) == 2


async def test_absence_is_remembered_for_its_time_and_with_its_words(tmp_path: Path) -> None:
    async with cellar(tmp_path, ages=AGES) as it:
        it.source.errors = [
            Absent(source="https://upstream.example", reason="answered 404", words="404 page not found")
        ]
        with pytest.raises(Absent):
            await it.body(LIST)
        with pytest.raises(Absent) as caught:
            await it.body(LIST)
        assert caught.value.words == "404 page not found"
        assert caught.value.fresh_until == it.clock.now + 100
        assert len(it.source.asked) == 1
        it.clock.now += 100
        it.source.holds[LIST] = NEW
        assert await it.body(LIST) == NEW


async def test_trouble_is_never_remembered(tmp_path: Path) -> None:
    async with cellar(tmp_path, ages=AGES) as it:
        it.source.holds[LIST] = NEW
        it.source.errors = [Unavailable(reason="answered 503")]
        with pytest.raises(Unavailable):
            await it.body(LIST)
        assert await it.body(LIST) == NEW


async def test_a_private_list_is_asked_for_each_time_and_still_helps_in_an_outage(tmp_path: Path) -> None:
    async with cellar(tmp_path, ages=Ages(fresh=0, stale=0, absent_path=0)) as it:
        it.source.holds[LIST] = OLD
        assert await it.body(LIST) == OLD
        await it.settle()
        it.clock.now += 0.001
        it.source.holds[LIST] = NEW
        assert await it.body(LIST) == NEW
        await it.settle()
        it.clock.now += 0.001
        it.source.errors = [Unavailable(reason="answered 503")]
        assert await it.body(LIST) == NEW


async def test_two_processes_share_one_fetch_of_a_list(tmp_path: Path) -> None:
    source = Scripted()
    source.holds[LIST] = OLD
    async with cellar(tmp_path, source, ages=AGES) as one, cellar(tmp_path, source, ages=AGES) as other:
        bodies = await asyncio.gather(*(it.body(LIST) for _ in range(50) for it in (one, other)))
        assert set(bodies) == {OLD}
        assert len(source.asked) == 1


async def test_only_the_cache_answers_with_whatever_it_has(tmp_path: Path) -> None:
    cached_only = Terms(freshness=Freshness.CACHED_ONLY)
    async with cellar(tmp_path, ages=AGES) as it:
        it.source.holds[LIST] = OLD
        with pytest.raises(Absent):
            await it.body(LIST, cached_only)
        await it.body(LIST)
        await it.settle()
        it.clock.now += 9000
        assert await it.body(LIST, cached_only) == OLD
        assert len(it.source.asked) == 1


async def test_a_foreign_version_is_a_question_whose_answer_names_another_one(tmp_path: Path) -> None:
    foreign = replace(ZIP, kind=Kind.INFO, version="v2.0.0")
    async with cellar(tmp_path, ages=AGES) as it:
        it.source.holds[foreign] = b'{"Version":"v2.0.0+incompatible"}'
        assert await it.body(foreign) == it.source.holds[foreign]
        await it.settle()
        assert not it.file(foreign).exists(), "it is no immutable file"


async def test_a_list_that_was_asked_for_before_a_version_was_fetched_is_asked_for_again(tmp_path: Path) -> None:
    async with cellar(tmp_path, ages=AGES) as it, asyncio.TaskGroup() as group:
        it.source.holds[LIST] = OLD
        it.source.paused.clear()
        asking = group.create_task(it.body(LIST))
        while not it.source.asked:
            await asyncio.sleep(0)
        await it.answers.expire(LIST, "v1.1.0")  # fetched while the list, which lacks it, is on its way
        it.source.paused.set()
        assert await asking == OLD
        await it.settle()
        it.source.holds[LIST] = NEW
        assert await it.body(LIST) == NEW
        await it.settle()
        assert (await it.cache.get(LIST, Terms())).cached is Cached.HIT

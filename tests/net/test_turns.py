"""Few places are taken in turn: who wants much does not keep out who wants little."""

from __future__ import annotations

import asyncio

from modgate.net.turns import Turns, asked_by


async def served(turns: Turns, order: list[str], wishes: list[str]) -> None:
    """Each wish waits for a place, as whoever it names, and gives it back at once."""

    async def wish(name: str) -> None:
        asked_by(name)
        await turns.acquire()
        order.append(name)
        turns.release()

    async with asyncio.TaskGroup() as group:
        for name in wishes:
            group.create_task(wish(name))
            await asyncio.sleep(0)
        turns.release()


async def test_each_asker_has_its_turn() -> None:
    turns, order = Turns(1), list[str]()
    await turns.acquire()
    await served(turns, order, ["a", "a", "a", "a", "b", "b", "c"])
    assert order == ["a", "b", "c", "a", "b", "a", "a"]


async def test_whoever_gives_up_leaves_its_place_to_the_next_one() -> None:
    turns = Turns(1)
    await turns.acquire()
    first, second = (asyncio.get_running_loop().create_task(turns.acquire()) for _ in range(2))
    await asyncio.sleep(0)
    turns.release()
    first.cancel()  # though the place was its own by now
    await asyncio.gather(first, return_exceptions=True)
    assert first.cancelled()
    async with asyncio.timeout(5):
        await second
    third = asyncio.get_running_loop().create_task(turns.acquire())
    fourth = asyncio.get_running_loop().create_task(turns.acquire())
    await asyncio.sleep(0)
    third.cancel()
    await asyncio.gather(third, return_exceptions=True)
    turns.release()
    async with asyncio.timeout(5):
        await fourth
    assert third.cancelled()


async def test_a_free_place_is_taken_without_waiting_and_never_twice() -> None:
    turns = Turns(2)
    await turns.acquire()
    await turns.acquire()
    third = asyncio.get_running_loop().create_task(turns.acquire())
    await asyncio.sleep(0)
    assert not third.done()
    turns.release()
    await third
    turns.release()
    turns.release()
    await turns.acquire()
    await turns.acquire()

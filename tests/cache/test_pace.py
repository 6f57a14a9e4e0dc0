"""Pieces of work go through a few in each turn of the event loop, in their order, and nobody is forgotten."""

from __future__ import annotations

import asyncio

import pytest

from modgate.cache.pace import AT_ONCE, REST, Pace
from modgate.net.response import SMALL

MANY = 10


async def test_others_have_the_loop_between_pieces() -> None:
    pace, seen, turns = Pace(), list[int](), 0

    async def piece() -> None:
        await pace.turn()
        seen.append(turns)

    async with asyncio.TaskGroup() as group:
        for _ in range(MANY):
            group.create_task(piece())
        while len(seen) < MANY:
            await asyncio.sleep(0)
            turns += 1
    assert max(seen.count(turn) for turn in seen) <= AT_ONCE


async def test_whoever_comes_first_goes_first() -> None:
    pace, order = Pace(), list[int]()

    async def piece(number: int) -> None:
        await pace.turn()
        order.append(number)

    await asyncio.gather(*(piece(number) for number in range(MANY)))
    assert order == list(range(MANY))


async def test_what_arrives_and_what_leaves_go_one_after_the_other() -> None:
    pace, order = Pace(), list[str]()

    async def pieces(name: str, number: int, *, arrives: bool) -> None:
        for _ in range(number):
            await pace.turn(arrives=arrives)
            order.append(name)

    async with asyncio.TaskGroup() as group:
        for _ in range(MANY * 10):
            group.create_task(pieces("leaves", 1, arrives=False))
        group.create_task(pieces("arrives", MANY, arrives=True))
    last = max(at for at, name in enumerate(order) if name == "arrives")
    assert last <= MANY * AT_ONCE + AT_ONCE, "a hundred readers do not keep it from arriving"
    first = order[:last]
    assert first.count("leaves") >= MANY - 1, "nor does it keep them from leaving"


async def test_a_piece_alone_does_not_wait() -> None:
    alone = Pace().turn()
    with pytest.raises(StopIteration):
        alone.send(None)


async def test_somebody_who_comes_again_and_again_waits_only_for_the_next_turn() -> None:
    pace, turns = Pace(), 0

    async def pieces() -> None:
        for _ in range(MANY * AT_ONCE):
            await pace.turn()

    async with asyncio.TaskGroup() as group:
        working = group.create_task(pieces())
        while not working.done():
            await asyncio.sleep(0)
            turns += 1
    assert turns <= MANY + 2


async def test_small_pieces_come_together_the_more_of_them_there_are() -> None:
    pace, loop = Pace(), asyncio.get_running_loop()
    ended = list[int]()

    async def piece(number: int, size: int) -> None:
        await pace.rest(size)
        ended.append(number)

    began = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in range(MANY):
            group.create_task(piece(number, SMALL - 1))
        group.create_task(piece(MANY, SMALL))
    assert ended == [MANY, *range(MANY)], "a large one does not rest, and who came last rests longest"
    assert loop.time() - began >= MANY * REST * 0.9


async def test_those_behind_one_that_is_cancelled_have_their_turn() -> None:
    pace = Pace()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(pace.turn()) for _ in range(MANY)]
        await asyncio.sleep(0)
        for task in tasks[AT_ONCE::2]:
            task.cancel()
    assert [task.cancelled() for task in tasks].count(False) >= MANY // 2

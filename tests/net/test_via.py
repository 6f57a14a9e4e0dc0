"""Gateways that a request has passed are named to the next one, also by the fetches that it causes."""

from __future__ import annotations

import asyncio

from modgate.net.via import MOST, onward, passed

OURS = "1.1 modgate-ff"


async def test_a_request_that_came_straight_names_us_alone() -> None:
    assert onward(OURS) == OURS


async def test_gateways_are_handed_on_and_strangers_are_not() -> None:
    passed(b"1.0 proxy.corp.example, 1.1 modgate-01 (a comment),1.1 modgate-02, 1.1 modgate-XYZ")
    assert onward(OURS) == "1.1 modgate-01, 1.1 modgate-02, 1.1 modgate-ff"


async def test_a_task_has_the_names_of_whoever_began_it() -> None:
    async def fetch() -> str:
        await asyncio.sleep(0)
        return onward(OURS)

    async def answer(field: bytes) -> str:
        passed(field)
        async with asyncio.TaskGroup() as group:
            fetching = group.create_task(fetch())
        return fetching.result()

    async with asyncio.TaskGroup() as group:
        answers = [group.create_task(answer(b"1.1 modgate-%d" % number)) for number in range(3)]
    assert [task.result() for task in answers] == [f"1.1 modgate-{number}, {OURS}" for number in range(3)]
    assert onward(OURS) == OURS


async def test_no_header_of_a_client_makes_ours_grow_without_end() -> None:
    passed(b", ".join(b"1.1 modgate-%x" % number for number in range(1000)))
    assert onward(OURS).count("modgate-") == MOST + 1

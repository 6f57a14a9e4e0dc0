"""Fetches outlive who asked for them, so they are bounded, and nobody gets all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from modgate.cache.flights import MOST, Flight, Flights
from modgate.errors import Unavailable
from modgate.net.turns import asked_by


@asynccontextmanager
async def hanging() -> AsyncIterator[tuple[Flights[int, str], asyncio.Event]]:
    """Flights, and what all of them wait for."""
    defects = list[BaseException]()
    flights, land = Flights[int, str](defects.append), asyncio.Event()
    yield flights, land
    await flights.close()
    assert not defects


def begun(flights: Flights[int, str], land: asyncio.Event, numbers: range) -> int:
    """How many of these fetches are under way when it begins no more."""

    async def fly(flight: Flight[str]) -> None:
        await land.wait()
        flight.publish("here")

    for done, number in enumerate(numbers):
        try:
            flights.join(number, fly)
        except Unavailable:
            return done
    return len(numbers)


async def never(_: Flight[str]) -> None:
    """A flight that is under way is joined, and not begun again."""
    raise AssertionError


async def test_one_client_gets_half_of_them_and_the_next_one_half_of_the_rest() -> None:
    async with hanging() as (flights, land):
        for client, share in (("a", MOST // 2), ("b", MOST // 4), ("c", MOST // 8), ("a", 0)):
            asked_by(client)
            first = len(flights)
            assert begun(flights, land, range(first, first + MOST)) == share


async def test_when_they_land_there_is_room_again_at_once() -> None:
    async with hanging() as (flights, land):
        asked_by("a")
        assert begun(flights, land, range(MOST)) == MOST // 2
        flight, joined = flights.join(0, never)
        assert joined, "what is under way may be waited for by anybody"
        land.set()
        assert await flight.result(float("inf")) == "here"
        while len(flights):
            await asyncio.sleep(0)
        assert begun(flights, land, range(MOST)) == MOST // 2


async def test_one_who_waits_no_longer_than_its_deadline_leaves_it_to_the_others() -> None:
    async with hanging() as (flights, land):
        begun(flights, land, range(1))
        flight, _ = flights.join(0, never)
        with pytest.raises(Unavailable):
            await flight.result(0.0)
        land.set()
        assert await flight.result(float("inf")) == "here"

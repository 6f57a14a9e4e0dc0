"""The next place is asked when one fails, and when one says nothing for a while; the first good answer counts."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from modgate.errors import Absent, Forbidden, GatewayError, Unavailable
from modgate.source.hedge import Attempt, Failed, first_good

SOON = 0.005
"""Seconds after which the next one is asked; nothing here waits for more."""


@dataclass
class Place:
    """Answers with its name after being asked, fails, or hangs until it is called off."""

    name: str
    error: GatewayError | None = None
    hangs: bool = False
    after: str = "|"
    asked: int = 0
    called_off: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self) -> str:
        self.asked += 1
        try:
            if self.hangs:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.called_off += 1
            raise
        if self.error is not None:
            raise self.error
        return self.name

    def attempt(self) -> Attempt[str]:
        return Attempt(
            self.answer, lambda error: self.after == "|" or isinstance(error, Absent), hedged=self.after == "|"
        )


class Closed:
    """What nobody wanted any more."""

    def __init__(self) -> None:
        self.names: list[str] = []

    async def __call__(self, name: str) -> None:
        self.names.append(name)


async def race(places: Sequence[Place], pause: float = SOON, closed: Closed | None = None) -> str | Failed:
    return await first_good([place.attempt() for place in places], pause, closed or Closed())


async def test_one_that_answers_is_the_only_one_asked() -> None:
    first, second = Place("a"), Place("b")
    assert await race([first, second]) == "a"
    assert second.asked == 0


async def test_behind_one_that_hangs_the_next_one_is_asked_and_the_first_is_called_off() -> None:
    first, second = Place("a", hangs=True), Place("b")
    assert await race([first, second]) == "b"
    assert (first.asked, first.called_off) == (1, 1)


async def test_a_hang_costs_one_pause_for_each_that_hangs() -> None:
    places = [Place("a", hangs=True), Place("b", hangs=True), Place("c", hangs=True), Place("d")]
    assert await race(places) == "d"
    assert [place.called_off for place in places] == [1, 1, 1, 0]


@pytest.mark.parametrize(("after", "pause"), [(",", SOON), ("|", 0.0)])
async def test_behind_a_comma_and_without_a_pause_nobody_is_asked_before_the_first_has_spoken(
    after: str, pause: float
) -> None:
    first, second = Place("a", Unavailable(), hangs=True, after=after), Place("b")
    asking = asyncio.get_running_loop().create_task(race([first, second], pause))
    await asyncio.sleep(10 * SOON)
    assert second.asked == 0
    first.error = None
    first.gate.set()
    assert await asking == "a"


async def test_the_first_may_still_win() -> None:
    first, second = Place("a", hangs=True), Place("b", hangs=True)
    asking = asyncio.get_running_loop().create_task(race([first, second]))
    while not second.asked:
        await asyncio.sleep(0)
    first.gate.set()
    assert await asking == "a"
    assert second.called_off == 1


async def test_absence_behind_one_that_hangs_is_not_the_whole_truth() -> None:
    """It may have what the others lack."""
    first, second = Place("a", Unavailable(), hangs=True), Place("b", Absent())
    asking = asyncio.get_running_loop().create_task(race([first, second]))
    while not second.asked:
        await asyncio.sleep(0)
    await asyncio.sleep(2 * SOON)
    assert not asking.done()
    first.gate.set()
    outcome = await asking
    assert isinstance(outcome, Failed)
    assert [type(error) for error in outcome.errors] == [Unavailable, Absent]


async def test_an_error_of_the_first_starts_nobody_when_the_second_is_asked_already() -> None:
    first, second, third = Place("a", Unavailable(), hangs=True), Place("b", hangs=True, after=","), Place("c")
    asking = asyncio.get_running_loop().create_task(race([first, second, third]))
    while not second.asked:
        await asyncio.sleep(0)
    first.gate.set()
    await asyncio.sleep(2 * SOON)
    assert third.asked == 0
    second.gate.set()
    assert await asking == "b"


@pytest.mark.parametrize(
    "errors",
    list(itertools.product([Absent, Unavailable, Forbidden], repeat=3)),
    ids=lambda kinds: "-".join(kind.__name__ for kind in kinds),
)
@pytest.mark.parametrize("separators", [",,", "||", ",|", "|,"])
async def test_without_hangs_it_is_the_order_of_goproxy(
    errors: tuple[type[GatewayError], ...], separators: str
) -> None:
    places = [Place(str(number), error(), after=f"{separators},"[number]) for number, error in enumerate(errors)]
    outcome = await race(places)
    expected = 1
    while expected < 3 and (separators[expected - 1] == "|" or errors[expected - 1] is Absent):
        expected += 1
    assert isinstance(outcome, Failed)
    assert [type(error) for error in outcome.errors] == list(errors[:expected])
    assert [place.asked for place in places] == [1] * expected + [0] * (3 - expected)


async def test_two_answers_at_the_same_moment_are_one_and_the_other_is_closed() -> None:
    closed = Closed()
    first, second = Place("a", hangs=True), Place("b", hangs=True)
    asking = asyncio.get_running_loop().create_task(race([first, second], closed=closed))
    while not second.asked:
        await asyncio.sleep(0)
    second.gate.set()
    first.gate.set()
    assert await asking == "a"
    assert closed.names in (["b"], [])
    assert second.called_off == (0 if closed.names else 1)


async def test_whoever_goes_away_leaves_nobody_asked() -> None:
    first, second = Place("a", hangs=True), Place("b", hangs=True)
    asking = asyncio.get_running_loop().create_task(race([first, second]))
    while not second.asked:
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (first.called_off, second.called_off) == (1, 1)


async def test_a_defect_is_not_hidden() -> None:
    class Broken(Place):
        async def answer(self) -> str:
            raise ZeroDivisionError

    other = Place("b")
    with pytest.raises(ZeroDivisionError):
        await race([Broken("a"), other])
    assert other.asked == 0

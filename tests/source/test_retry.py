"""A second try: after what says so, a little later, and only while whoever asked can still be answered."""

from __future__ import annotations

import asyncio

import pytest

from modgate.errors import Absent, GatewayError, Unavailable
from modgate.gomod.paths import check_path
from modgate.observe import families
from modgate.observe.metrics import Metrics
from modgate.source.base import Answer, Ask, Kind, Ready, Terms
from modgate.source.retry import JITTER, PAUSE, Retried

ASK = Ask(Kind.LIST, check_path("example.com/m"))
AGAIN = Unavailable(again=True)


class Upstream:
    """Fails with these errors, one after the other, and then answers."""

    name = "https://a.example"

    def __init__(self, *errors: GatewayError) -> None:
        self.errors = list(errors)
        self.asked: list[float] = []

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        self.asked.append(asyncio.get_running_loop().time())
        if self.errors:
            raise self.errors.pop(0)
        return Answer(ask, Ready(b""))


async def test_the_second_try_comes_a_little_later_and_is_counted() -> None:
    upstream, metrics = Upstream(AGAIN), Metrics()
    await Retried(upstream, metrics).get(ASK, Terms())
    first, second = upstream.asked
    assert second - first > PAUSE / 2
    assert metrics.counter(families.RETRIES, upstream.name).value == 1


async def test_there_is_no_third() -> None:
    upstream = Upstream(AGAIN, AGAIN)
    with pytest.raises(Unavailable):
        await Retried(upstream, Metrics()).get(ASK, Terms())
    assert len(upstream.asked) == 2


@pytest.mark.parametrize("error", [Unavailable(again=False), Absent()])
async def test_what_does_not_say_so_is_not_tried_again(error: GatewayError) -> None:
    upstream = Upstream(error)
    with pytest.raises(type(error)):
        await Retried(upstream, Metrics()).get(ASK, Terms())
    assert len(upstream.asked) == 1


@pytest.mark.parametrize("left", [-1.0, 0.0, PAUSE])
async def test_nobody_is_tried_again_when_the_pause_would_last_longer_than_the_ask(left: float) -> None:
    upstream = Upstream(AGAIN)
    with pytest.raises(Unavailable):
        await Retried(upstream, Metrics()).get(ASK, Terms(deadline=asyncio.get_running_loop().time() + left))
    assert len(upstream.asked) == 1


async def test_no_try_begins_behind_the_budget() -> None:
    upstream = Upstream(AGAIN)
    with pytest.raises(Unavailable):
        await Retried(upstream, Metrics(), budget=PAUSE + JITTER / 2).get(ASK, Terms())
    assert len(upstream.asked) == 1


async def spread(count: int) -> float:
    """Seconds from the first to the last second try of so many that failed together."""
    upstream = Upstream(*[AGAIN] * count)
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(Retried(upstream, Metrics()).get(ASK, Terms()))
    again = upstream.asked[count:]
    return max(again) - min(again)


async def test_many_that_fail_together_do_not_come_back_together() -> None:
    # A machine that stands still for a moment lets them come at once; not every time.
    widest = 0.0
    for _ in range(20):
        widest = max(widest, await spread(40))
        if widest > JITTER / 4:
            break
    assert widest > JITTER / 4

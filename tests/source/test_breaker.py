"""An upstream that keeps failing is left alone, and is used again as soon as it is back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from modgate.errors import Absent, GatewayError, Trouble, Unavailable
from modgate.gomod.paths import check_path
from modgate.observe.events import Events
from modgate.observe.metrics import Metrics
from modgate.source.base import Answer, Ask, Kind, Ready, Terms
from modgate.source.breaker import Breaker, Circuit, Guarded, Limits

LIMITS = Limits(failures=3, probe_every=0.5)
ASK = Ask(Kind.INFO, check_path("example.com/m"), "v1.0.0")


@pytest.mark.parametrize(
    ("events", "is_open"),
    [
        ("", False),
        ("ff", False),  # below the limit
        ("fff", True),
        ("ffaf", False),  # an answer starts the count anew
        ("fff" + "f" * 2000, True),  # an outage may be long
        ("fffa", True),  # a late answer closes nothing
        ("fffb", True),  # a failed probe neither
        ("fffw", False),  # a good probe does
        ("fffwf", False),
        ("s", True),  # it says so itself
        ("sw", False),
    ],
)
def test_a_breaker_opens_after_consecutive_failures_and_closes_after_a_good_probe(events: str, is_open: bool) -> None:
    breaker = Breaker(LIMITS)
    for event in events:
        match event:
            case "f":
                breaker = breaker.failed()
            case "s":
                breaker = breaker.failed(for_sure=True)
            case "a":
                breaker = breaker.answered()
            case _:
                breaker = breaker.probed(well=event == "w")
    assert breaker.is_open is is_open


class Upstream:
    """Well, or raising."""

    name = "https://a.example"

    def __init__(self) -> None:
        self.asked = 0
        self.error: GatewayError | None = None
        self.probes: list[str] = []
        self.hangs = False

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        self.asked += 1
        if self.hangs:
            await asyncio.get_running_loop().create_future()
        if self.error is not None:
            raise self.error
        return Answer(ask, Ready(b"{}"))

    async def probe(self, name: str) -> bool:
        self.probes.append(name)
        return self.error is None


class Ticks:
    """A sleep that ends when the test says so."""

    def __init__(self) -> None:
        self._waiting = asyncio.Event()
        self._go = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        self._waiting.set()
        await self._go.acquire()

    async def tick(self) -> None:
        """Let one pause pass, and wait until the watcher pauses again."""
        await self._waiting.wait()
        self._waiting.clear()
        self._go.release()
        await self._waiting.wait()
        await asyncio.sleep(0)


def events() -> Events:
    return Events(Metrics(), lambda *_, **__: None)


def guarded(upstream: Upstream, limits: Limits = LIMITS, **options: Any) -> Guarded:
    return Guarded(upstream, Circuit(upstream.name, upstream.probe, limits, events(), **options))


async def test_a_dead_upstream_is_asked_three_times_and_its_return_is_seen_by_the_next_probe() -> None:
    upstream, ticks = Upstream(), Ticks()
    source = guarded(upstream)
    upstream.error = Unavailable(blames_upstream=True)
    for _ in range(10):
        with pytest.raises(Unavailable):
            await source.get(ASK, Terms())
    assert upstream.asked == 3

    async with asyncio.TaskGroup() as group:
        watcher = group.create_task(source.circuit.watch(ticks.sleep))
        await ticks.tick()
        assert source.circuit.is_open
        assert upstream.probes == [ASK.name], "a probe asks for what failed"
        upstream.error = None
        await ticks.tick()
        assert not source.circuit.is_open
        assert (await source.get(ASK, Terms())).body.size == 2
        watcher.cancel()


async def test_while_open_the_error_says_so() -> None:
    upstream = Upstream()
    source = guarded(upstream)
    upstream.error = Unavailable(blames_upstream=True)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await source.get(ASK, Terms())
    with pytest.raises(Unavailable) as caught:
        await source.get(ASK, Terms())
    assert caught.value.trouble is Trouble.OPEN


@pytest.mark.parametrize("error", [Unavailable(blames_upstream=False), Absent()])
async def test_what_does_not_blame_the_upstream_never_opens_it(error: GatewayError) -> None:
    upstream = Upstream()
    source = guarded(upstream)
    upstream.error = error
    for _ in range(10):
        with pytest.raises(type(error)):
            await source.get(ASK, Terms())
    assert upstream.asked == 10


async def test_what_says_itself_that_it_is_down_is_asked_once() -> None:
    upstream = Upstream()
    source = guarded(upstream)
    upstream.error = Unavailable(blames_upstream=True, says_down=True)
    for _ in range(5):
        with pytest.raises(Unavailable):
            await source.get(ASK, Terms())
    assert upstream.asked == 1


async def test_what_is_shut_is_not_asked_and_says_why() -> None:
    upstream = Upstream()
    source = guarded(upstream, shut=lambda: "does not pass its health check")
    with pytest.raises(Unavailable, match="was not asked: it does not pass its health check"):
        await source.get(ASK, Terms())
    assert upstream.asked == 0
    assert source.circuit.is_down
    assert not source.circuit.is_open


async def test_a_probe_that_finds_a_defect_is_told_once_and_only_of_what_is_down() -> None:
    upstream, ticks, told = Upstream(), Ticks(), list[str]()

    async def defect(name: str) -> bool:
        raise ZeroDivisionError

    log = Events(Metrics(), lambda name, **fields: told.append(f"{name}: {fields['reason']}"))
    source = Guarded(upstream, Circuit(upstream.name, defect, Limits(failures=1, overtaken=0.0), log))
    upstream.error = Unavailable(blames_upstream=True, reason="hung up")
    async with asyncio.TaskGroup() as group:
        watcher = group.create_task(source.circuit.watch(ticks.sleep))
        with pytest.raises(Unavailable):
            await source.get(ASK, Terms())
        for _ in range(4):
            await ticks.tick()
        watcher.cancel()
    assert told == ["upstream_down: hung up", "upstream_down: its probe failed: ZeroDivisionError"]


async def test_a_defect_in_a_probe_of_what_is_in_doubt_opens_it_as_any_failure_does() -> None:
    upstream, ticks, told = Upstream(), Ticks(), list[str]()

    async def defect(name: str) -> bool:
        raise ZeroDivisionError

    log = Events(Metrics(), lambda name, **_: told.append(name))
    source = Guarded(upstream, Circuit(upstream.name, defect, Limits(failures=2, overtaken=0.0), log))
    upstream.hangs = True
    async with asyncio.TaskGroup() as group:
        watcher = group.create_task(source.circuit.watch(ticks.sleep))
        await called_off(source)
        await ticks.tick()
        await ticks.tick()
        assert told == []
        await called_off(source)
        await ticks.tick()
        await ticks.tick()
        assert told[:1] == ["upstream_down"]
        assert source.circuit.is_open
        watcher.cancel()


async def called_off(source: Guarded) -> None:
    """An ask that another source was quicker with."""
    asking = asyncio.get_running_loop().create_task(source.get(ASK, Terms()))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def test_what_hangs_is_found_out_though_every_ask_of_it_is_called_off() -> None:
    upstream, ticks = Upstream(), Ticks()
    source = guarded(upstream, Limits(failures=2, overtaken=0.0))
    upstream.hangs, upstream.error = True, Unavailable(blames_upstream=True)
    async with asyncio.TaskGroup() as group:
        watcher = group.create_task(source.circuit.watch(ticks.sleep))
        for _ in range(2):
            assert not source.circuit.is_open
            await called_off(source)
            await ticks.tick()
        await ticks.tick()
        assert source.circuit.is_open
        watcher.cancel()


async def test_what_is_merely_slower_than_others_stays_in_use() -> None:
    upstream, ticks = Upstream(), Ticks()
    source = guarded(upstream, Limits(failures=1, overtaken=0.0))
    upstream.hangs = True
    async with asyncio.TaskGroup() as group:
        watcher = group.create_task(source.circuit.watch(ticks.sleep))
        for _ in range(3):
            await called_off(source)
            await ticks.tick()
        assert upstream.probes == [ASK.name] * 3
        assert not source.circuit.is_open
        watcher.cancel()


async def test_an_ask_that_is_called_off_at_once_leaves_no_doubt() -> None:
    upstream, ticks = Upstream(), Ticks()
    source = guarded(upstream, Limits(failures=1, overtaken=3600.0))
    upstream.hangs = True
    async with asyncio.TaskGroup() as group:
        watcher = group.create_task(source.circuit.watch(ticks.sleep))
        await called_off(source)
        await ticks.tick()
        assert upstream.probes == []
        watcher.cancel()

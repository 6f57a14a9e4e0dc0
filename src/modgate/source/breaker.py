"""A source that stops asking an upstream which keeps failing, and comes back by itself.

Belongs here: when to stop asking and when to ask again. Not here: what a failure is (the error says it), what a probe
sends (goproxy.py), which source comes next (chain.py).

The decision is `Breaker`, a value that is told what happened. `Guarded` is the thin shell around it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from modgate.errors import GatewayError, Trouble, Unavailable
from modgate.observe.events import Events
from modgate.source.base import Answer, Ask, Source, Terms


@dataclass(frozen=True, slots=True)
class Limits:
    """When a breaker opens and how soon recovery is seen."""

    failures: int = 3
    """Consecutive failures that open it. Three forgives a lost packet and an upstream's restart behind a balancer."""
    probe_every: float = 0.5
    """Seconds between probes while open: a recovered upstream is used again within one second."""
    probe_timeout: float = 5.0
    """Seconds that one probe waits for an answer."""
    probes: int = 32
    """Probes under way at once: one that hangs must not hide that the next one would succeed, and 32 of them, 0.5 s
    apart, are what a probe_timeout of 15 s holds."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is known about one upstream."""

    limits: Limits
    failures: int = 0

    @property
    def is_open(self) -> bool:
        return self.failures >= self.limits.failures

    def answered(self) -> Breaker:
        """An ask was answered. Once open, only a probe closes it: a late answer may be older than the trouble."""
        return self if self.is_open else replace(self, failures=0)

    def failed(self) -> Breaker:
        """An ask failed. Failures beyond the limit say nothing new: forty asks were in flight when it died."""
        return self if self.is_open else replace(self, failures=self.failures + 1)

    def probed(self, *, well: bool) -> Breaker:
        return replace(self, failures=0) if well else self


Probe = Callable[[str], Awaitable[bool]]
"""Whether the upstream answers a name below its base URL with anything but trouble."""


class Guarded:
    """Asks `source` unless its breaker is open.

    Absence, refusal and corruption are answers; of `Unavailable` only what blames the upstream itself counts, so that
    one broken module does not close a healthy mirror. Probes ask in turn for what failed last, because some upstreams
    answer their root while everything behind it hangs, and for what was answered last, or else is wanted now, because
    one module may fail for ever.
    """

    def __init__(self, source: Source, probe: Probe, limits: Limits, events: Events) -> None:
        self._source = source
        self._probe = probe
        self._limits = limits
        self._events = events
        self._breaker = Breaker(limits)
        self._failed_name = ""
        self._good_name = self._wanted_name = ""
        self._probes = 0

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def is_open(self) -> bool:
        return self._breaker.is_open

    def up(self) -> float:
        """1.0 while it is asked, 0.0 while its breaker is open: a gauge."""
        return 0.0 if self.is_open else 1.0

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        """Answer `ask` from the guarded source.

        Raises:
            Unavailable: at once while the breaker is open; otherwise whatever the source raises.
        """
        if self._breaker.is_open:
            self._wanted_name = ask.name
            reason = "was not asked: it failed repeatedly and is being probed"
            pause = max(1.0, self._limits.probe_every)
            raise Unavailable(asked=str(ask), source=self.name, reason=reason, trouble=Trouble.OPEN, retry_after=pause)
        try:
            answer = await self._source.get(ask, terms)
        except Unavailable as error:
            if error.blames_upstream:
                self._fail(ask, error)
            raise
        except GatewayError:
            self._answered(ask)
            raise
        self._answered(ask)
        return answer

    async def watch(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Probe while open, for ever; the gateway's task scope owns and cancels it."""
        async with asyncio.TaskGroup() as group:
            slots = asyncio.Semaphore(self._limits.probes)
            while True:
                await sleep(self._limits.probe_every)
                if self._breaker.is_open and not slots.locked():
                    await slots.acquire()
                    group.create_task(self._probe_once(slots))

    async def _probe_once(self, slots: asyncio.Semaphore) -> None:
        try:
            async with asyncio.timeout(self._limits.probe_timeout):
                self._probes += 1
                other = self._good_name or self._wanted_name
                well = await self._probe(other if other and self._probes % 2 else self._failed_name)
        except TimeoutError:
            well = False
        except Exception as error:  # noqa: BLE001 - a defect that an upstream can cause must not end the gateway
            well = False
            self._events.emit("upstream_down", source=self.name, reason=f"its probe failed: {type(error).__name__}")
        finally:
            slots.release()
        if well and self._breaker.is_open:
            self._breaker = self._breaker.probed(well=True)
            self._events.emit("upstream_up", source=self.name)

    def _answered(self, ask: Ask) -> None:
        self._breaker = self._breaker.answered()
        self._good_name = ask.name

    def _fail(self, ask: Ask, error: Unavailable) -> None:
        was_open, self._failed_name = self._breaker.is_open, ask.name
        self._breaker = self._breaker.failed()
        if self._breaker.is_open and not was_open:
            self._events.emit("upstream_down", source=self.name, reason=error.reason)

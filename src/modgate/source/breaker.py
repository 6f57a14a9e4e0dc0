"""When an upstream that keeps failing is left alone, and how its return is seen.

Belongs here: when to stop asking and when to ask again. Not here: what a failure is (the error says it), what a probe
sends (goproxy.py), which source comes next (chain.py), whether a health check passes (health.py).

The decision is `Breaker`, a value that is told what happened. `Circuit` is the thin shell around it, one for each
upstream and service: modules may hang where checksums do not. `Guarded` is the source behind it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from modgate.errors import GatewayError, Trouble, Unavailable
from modgate.observe.events import Events
from modgate.source.base import Answer, Ask, Source, Terms
from modgate.source.recent import Recent

T = TypeVar("T")


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
    overtaken: float = 1.0
    """Seconds: an ask that was called off after waiting so long leaves a doubt (`Circuit.ask`)."""


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

    def failed(self, *, for_sure: bool = False) -> Breaker:
        """An ask failed; `for_sure` where the upstream itself says that it is down. Failures beyond the limit say
        nothing new: forty asks were in flight when it died."""
        if self.is_open:
            return self
        return replace(self, failures=self.limits.failures if for_sure else self.failures + 1)

    def probed(self, *, well: bool) -> Breaker:
        return replace(self, failures=0) if well else self


Probe = Callable[[str], Awaitable[bool]]
"""Whether the upstream answers a name below its base URL with anything but trouble."""


def _nothing() -> str:
    return ""


class Circuit:
    """One service of one upstream: whether it is asked, and the probes that see its return.

    Absence, refusal and corruption are answers; of `Unavailable` only what blames the upstream itself counts, so that
    one broken module does not close a healthy mirror. Probes ask in turn for what failed last, because some upstreams
    answer their root while everything behind it hangs, and for what was answered last, or else is wanted now, because
    one module may fail for ever.

    An ask that is called off because another source was quicker says nothing by itself: one that hangs looks like one
    that thinks. So it is asked for the same once more by a probe that waits for as long as the ask would have.
    """

    def __init__(
        self,
        name: str,
        probe: Probe,
        limits: Limits,
        events: Events,
        *,
        service: str = "modules",
        shut: Callable[[], str] = _nothing,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`shut` says why it is not to be asked whatever it answers ("its health check fails"), or "".

        `clock` gives seconds since the epoch.
        """
        self.name = name
        self.service = service
        self.reason = ""
        """Why it opened last; "" if it never did."""
        self.changed = 0.0
        """When it opened or closed last, in seconds since the epoch; 0.0 if it never did."""
        self.recent = Recent()
        self._probe = probe
        self._limits = limits
        self._events = events
        self._shut = shut
        self._clock = clock
        self._breaker = Breaker(limits)
        self._failed_name = ""
        self._good_name = self._wanted_name = ""
        self._doubted: list[str] = []
        self._examined = 0
        self._probes = 0

    @property
    def is_open(self) -> bool:
        """Whether it failed too often."""
        return self._breaker.is_open

    @property
    def is_down(self) -> bool:
        """Whether it is not asked, for whatever reason."""
        return self._breaker.is_open or bool(self._shut())

    def up(self) -> float:
        """1.0 while it is asked, 0.0 while it is not: a gauge."""
        return 0.0 if self.is_down else 1.0

    async def ask(self, asked: str, name: str, call: Callable[[], Awaitable[T]]) -> T:
        """What `call` makes of `name` below the base URL; `asked` is what it is for, as a person would say it.

        Raises:
            Unavailable: at once while it is down; otherwise whatever `call` raises.
        """
        self._admit(asked, name)
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            result = await call()
        except Unavailable as error:
            self.recent.add(clock() - began, answered=False)
            if error.blames_upstream:
                self._fail(name, error)
            raise
        except GatewayError:
            self._answered(name, clock() - began)
            raise
        except asyncio.CancelledError:
            self._called_off(name, clock() - began)
            raise
        self._answered(name, clock() - began)
        return result

    async def watch(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Probe while open or in doubt, for ever; the gateway's task scope owns and cancels it."""
        async with asyncio.TaskGroup() as group:
            slots = asyncio.Semaphore(self._limits.probes)
            while True:
                await sleep(self._limits.probe_every)
                if self._breaker.is_open:
                    self._doubted.clear()
                    if not slots.locked():
                        await slots.acquire()
                        group.create_task(self._probe_once(slots))
                while self._doubted and not slots.locked():
                    await slots.acquire()
                    self._examined += 1
                    group.create_task(self._examine(slots, self._doubted.pop()))

    def _admit(self, asked: str, name: str) -> None:
        reason = "failed repeatedly and is being probed" if self._breaker.is_open else ""
        reason = self._shut() or reason
        if reason:
            self._wanted_name = name
            pause = max(1.0, self._limits.probe_every)
            told = f"was not asked: it {reason}"
            raise Unavailable(asked=asked, source=self.name, reason=told, trouble=Trouble.OPEN, retry_after=pause)

    async def _probe_once(self, slots: asyncio.Semaphore) -> None:
        self._probes += 1
        other = self._good_name or self._wanted_name
        well = await self._is_well(slots, other if other and self._probes % 2 else self._failed_name, bounded=True)
        if well and self._breaker.is_open:
            self._breaker = self._breaker.probed(well=True)
            self.changed = self._clock()
            self._events.emit("upstream_up", source=self.name, service=self.service)

    async def _examine(self, slots: asyncio.Semaphore, name: str) -> None:
        """What became of an ask that was called off: the deadlines of the probe are those of any ask."""
        try:
            well = await self._is_well(slots, name, bounded=False)
        finally:
            self._examined -= 1
        if well:
            self._answered(name)
        else:
            self._fail(name, Unavailable(source=self.name, reason="did not answer what others were asked for instead"))

    async def _is_well(self, slots: asyncio.Semaphore, name: str, *, bounded: bool) -> bool:
        try:
            async with asyncio.timeout(self._limits.probe_timeout if bounded else None):
                return await self._probe(name)
        except TimeoutError:
            return False
        except Exception as error:  # noqa: BLE001 - a defect that an upstream can cause must not end the gateway
            self._defect(f"its probe failed: {type(error).__name__}")
            return False
        finally:
            slots.release()

    def _defect(self, reason: str) -> None:
        """Told once, and not at each probe; where nothing is known to be down, nothing is said to be."""
        if self._breaker.is_open and reason != self.reason:
            self.reason = reason
            self._events.emit("upstream_down", source=self.name, service=self.service, reason=reason)

    def _called_off(self, name: str, waited: float) -> None:
        if waited < self._limits.overtaken:
            return
        self.recent.add(waited, answered=False)
        if len(self._doubted) + self._examined < self._limits.failures:
            self._doubted.append(name)

    def _answered(self, name: str, seconds: float | None = None) -> None:
        """`seconds` is how long a client waited for it; None for a probe."""
        if seconds is not None:
            self.recent.add(seconds, answered=True)
        self._breaker = self._breaker.answered()
        self._good_name = name

    def _fail(self, name: str, error: Unavailable) -> None:
        was_open, self._failed_name = self._breaker.is_open, name
        self._breaker = self._breaker.failed(for_sure=error.says_down)
        if self._breaker.is_open and not was_open:
            self.reason, self.changed = error.reason, self._clock()
            self._events.emit("upstream_down", source=self.name, service=self.service, reason=error.reason)


class Guarded:
    """Asks `source` unless its circuit is open."""

    def __init__(self, source: Source, circuit: Circuit) -> None:
        self._source = source
        self.circuit = circuit

    @property
    def name(self) -> str:
        return self._source.name

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        """Answer `ask` from the guarded source.

        Raises:
            Unavailable: at once while the circuit is open; otherwise whatever the source raises.
        """
        return await self.circuit.ask(str(ask), ask.name, lambda: self._source.get(ask, terms))

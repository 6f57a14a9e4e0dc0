"""Whether an upstream passes its health check, which asks for one page again and again.

Belongs here: how many good or bad answers in a row change the verdict, and what a good one is. Not here: what follows
from asks for modules (breaker.py), which has its own reasons to leave an upstream alone.

The decision is `Condition`, a value that is told what was seen. `Checkup` is the thin shell around it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from modgate.errors import Trouble, Unavailable
from modgate.observe.events import Events


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """What is asked, how often, and what has to be answered."""

    path: str = ""
    """Resolved as a link from the upstream's URL: `/healthz` begins at its host, `healthz` below it; "" is no check."""
    every: float = 5.0
    """Seconds between two checks."""
    timeout: float = 2.0
    """Seconds for one."""
    rise: int = 2
    """Good answers in a row after which it is asked again."""
    fall: int = 3
    """Bad answers in a row after which it is not asked any more."""
    status: int = 200
    header: str = ""
    """`Name: value` that a good answer has, in any case of letters; "" for none."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What the last checks have shown."""

    check: HealthCheck
    is_up: bool = True
    against: int = 0
    """Answers in a row that speak against `is_up`."""

    def saw(self, *, well: bool) -> Condition:
        """After one more check."""
        if well == self.is_up:
            return replace(self, against=0)
        against = self.against + 1
        if against >= (self.check.fall if self.is_up else self.check.rise):
            return replace(self, is_up=well, against=0)
        return replace(self, against=against)


def fault(check: HealthCheck, status: int, headers: Mapping[str, str]) -> str:
    """What is wrong with an answer, "" if it is good; `headers` have their names in lower case."""
    if status != check.status:
        return f"answered {status} instead of {check.status}"
    name, _, wanted = (part.strip().lower() for part in check.header.partition(":"))
    if name and headers.get(name, "").strip().lower() != wanted:
        return f"lacks the header {check.header}"
    return ""


Look = Callable[[str, float], Awaitable[tuple[int, Mapping[str, str]]]]
"""Status and headers of the page at a path, within so many seconds. Raises Unavailable."""


class Checkup:
    """The health check of one upstream; `watch` it."""

    def __init__(
        self, name: str, look: Look, check: HealthCheck, events: Events, clock: Callable[[], float] = time.time
    ) -> None:
        """`clock` gives seconds since the epoch."""
        self._name = name
        self._look = look
        self._check = check
        self._events = events
        self._clock = clock
        self._condition = Condition(check)
        self.changed = 0.0
        """When the verdict changed last, in seconds since the epoch; 0.0 if it never did."""
        self.reason = ""
        """What was wrong with the last bad answer."""

    @property
    def is_on(self) -> bool:
        return bool(self._check.path)

    @property
    def is_up(self) -> bool:
        return self._condition.is_up

    def up(self) -> float:
        """1.0 or 0.0: a gauge."""
        return float(self.is_up)

    async def watch(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Check for ever, if there is anything to check."""
        while self.is_on:
            await self.once()
            await sleep(self._check.every)

    async def once(self) -> None:
        """One check."""
        try:
            status, headers = await self._look(self._check.path, self._check.timeout)
            wrong = fault(self._check, status, headers)
        except Unavailable as error:
            if error.trouble is Trouble.OURS:
                return  # it was not even asked
            wrong = error.reason
        except Exception as error:  # noqa: BLE001 - a defect that an upstream can cause must not end the gateway
            wrong = f"its check failed: {type(error).__name__}"
        was_up, self._condition = self.is_up, self._condition.saw(well=not wrong)
        self.reason = wrong or self.reason
        if self.is_up != was_up:
            self.changed = self._clock()
            self._tell()

    def _tell(self) -> None:
        if self.is_up:
            self._events.emit("upstream_healthy", source=self._name)
        else:
            self._events.emit("upstream_unhealthy", source=self._name, reason=self.reason)

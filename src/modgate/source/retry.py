"""One more try at the same upstream, so that a single 503 or a broken connection is nobody's business.

It hides a lost connection or a restart behind a balancer; a third one would only make an outage slower.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from modgate.errors import Unavailable
from modgate.observe import families
from modgate.observe.metrics import Metrics
from modgate.source.base import Answer, Ask, Source, Terms

T = TypeVar("T")

PAUSE, JITTER = 0.1, 0.2
"""Seconds: 0.1 to 0.3 before the second try, so that a hundred clients do not come back as one."""
BUDGET = 5.0
"""Seconds from the first try within which a second one begins: an upstream that takes longer to fail is not in a hurry
to answer either, and whoever waits is better served by the next one."""


async def retried(call: Callable[[], Awaitable[T]], metrics: Metrics, upstream: str, budget: float = BUDGET) -> T:
    """What `call` returns, or raises the second time; deadlines and refusals are not tried again.

    `budget` is in seconds from now: no try begins behind it.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + budget - PAUSE - JITTER
    try:
        return await call()
    except Unavailable as error:
        if not error.again or clock() > until:
            raise
    await asyncio.sleep(PAUSE + random.uniform(0.0, JITTER))  # noqa: S311 -- no secret
    metrics.counter(families.RETRIES, upstream).add()
    return await call()


class Retried:
    """Asks `source` again after an error that says `again`."""

    def __init__(self, source: Source, metrics: Metrics, budget: float = BUDGET) -> None:
        self._source = source
        self._metrics = metrics
        self._budget = budget

    @property
    def name(self) -> str:
        return self._source.name

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        budget = min(self._budget, terms.deadline - asyncio.get_running_loop().time())
        return await retried(lambda: self._source.get(ask, terms), self._metrics, self.name, budget)

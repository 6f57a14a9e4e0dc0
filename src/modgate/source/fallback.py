"""The last resort: a directory that is asked when the chain in front of it is in trouble, and never else.

Belongs here: when it is asked, that everybody can see it, and how old it is. Not here: reading it (directory.py), what
is remembered of what it says (cache/changing.py).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

from modgate.errors import GatewayError, Unavailable
from modgate.observe import families
from modgate.observe.events import Events
from modgate.observe.metrics import Metrics
from modgate.source.base import Answer, Ask, Source, Terms
from modgate.source.blocking import Blocking, Stuck

QUIET = 5.0
"""Seconds without an answer from the directory after which an answer of the chain means that the trouble is over: while
one module fails and the others do not, that would be said at every second request."""
LOOK_EVERY = 600.0
"""Seconds between two looks at the directory's age: it is synced once an hour at most."""
LOOK_SECONDS = 60.0
"""For one such look."""
FOLDERS = 20_000
"""Folders that a look takes in; the newest of so many tells the age of a mirror that is synced as a whole."""


class LastResort:
    """The directory, and whether it is in use. One for all chains; `watch` it."""

    def __init__(
        self, mirror: Source, root: Path, metrics: Metrics, events: Events, clock: Callable[[], float] = time.time
    ) -> None:
        """`mirror` reads `root`; `clock` gives seconds since the epoch."""
        self._mirror = mirror
        self._root = root
        self._events = events
        self._clock = clock
        self._answers = metrics.counter(families.FALLBACK_ANSWERS)
        self._newest = 0.0
        self._used = 0.0
        self.since = 0.0
        """When it began to be used, in seconds since the epoch; 0.0 while it is not."""
        metrics.read(families.FALLBACK_AGE, self.age)

    @property
    def name(self) -> str:
        return self._mirror.name

    def age(self) -> float:
        """Seconds since something was last written into it; 0.0 while that is not known."""
        return max(0.0, self._clock() - self._newest) if self._newest else 0.0

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        """As the mirror, which is in use from now on if it has an answer."""
        answer = await self._mirror.get(ask, terms)
        self._used = self._clock()
        self._answers.add()
        if not self.since:
            self.since = self._used
            self._events.emit("fallback_used", source=self.name, age=round(self.age()))
        return replace(answer, makeshift=True)

    def chain_answered(self) -> None:
        """A chain that it stands behind was well."""
        if self.since and self._clock() - self._used >= QUIET:
            self.since = 0.0
            self._events.emit("fallback_over", source=self.name)

    async def watch(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Look at its age now and then, for ever."""
        looking = Blocking(LOOK_SECONDS, most=1)
        while True:
            try:
                self._newest = await looking.call(newest, self._root)
            except (OSError, Stuck):
                self._newest = 0.0
            await sleep(LOOK_EVERY)


class WithFallback:
    """Asks `source`, and the last resort when `source` cannot find out."""

    def __init__(self, source: Source, last: LastResort) -> None:
        self._source = source
        self._last = last

    @property
    def name(self) -> str:
        return self._source.name

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        """Answer `ask`.

        Raises:
            GatewayError: what `source` raised; what the last resort lacks says nothing.
        """
        try:
            answer = await self._source.get(ask, terms)
        except Unavailable as trouble:
            try:
                return await self._last.get(ask, terms)
            except GatewayError:
                raise trouble from None
        except GatewayError:
            self._last.chain_answered()
            raise
        self._last.chain_answered()
        return answer


def tree_of(directory: Path) -> Path:
    """Where the files are below what GOMODCACHE_FALLBACK names: a GOPROXY file tree, or a module cache of Go, which
    has one in `cache/download`."""
    inner = directory / "cache" / "download"
    return inner if inner.is_dir() else directory


def newest(root: Path) -> float:
    """When a file was last put into a folder `@v` below `root`, in seconds since the epoch; 0.0 if there is none."""
    found = 0.0
    for folder, below, _ in islice(os.walk(root), FOLDERS):
        if os.path.basename(folder) == "@v":
            found = max(found, os.stat(folder).st_mtime)
            below.clear()
    return found

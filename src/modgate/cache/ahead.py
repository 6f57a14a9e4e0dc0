"""What a go command is about to ask for, fetched before it does.

After a cold .info comes the .mod of that version; after a cold .mod of a module before Go 1.17 come the .mod files of
what it requires, since such a graph is followed to its end. Newer ones are pruned: what they require stands in the
go.mod of the project itself, often in newer versions, so that a guess would lose. A go command asks one latency later,
and only for as many at once as it has cores, so whoever sits nearer to the upstream can be ahead of it.

`go mod download` reads the whole graph first, and then asks for the .info of each module of the build list, one after
the other. So after the first cold .info whose .mod has just been fetched come those of the other modules, each in the
highest version of which a .mod was fetched: that is the one that minimal version selection chooses.

A guess costs the upstream a request, so guesses are few and have to win: at most WINDOW of them wait to be asked for,
and one more for each that was right, up to WIDEST; one that was wrong takes all that back. A guess leads to further
ones only when somebody did ask for it. Where guesses lose, none are made for a while.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Protocol

from modgate.errors import GatewayError
from modgate.gomod import ModulePath
from modgate.gomod.requirements import go_line, requirements
from modgate.gomod.semver import sort_key
from modgate.observe import families
from modgate.observe.metrics import Metrics
from modgate.source.base import Answer, Ask, Cached, Freshness, Kind, Ready, Terms

WINDOW = 32
"""Guesses that wait to be asked for: what a go command with eight requests in flight wants within four latencies."""
WIDEST = 128
"""The same while guesses are right: with fewer, the way to the upstream lies idle now and then (a graph of 300 files,
20 ms away, took 1.0 s with 32, 0.93 with 64, 0.86 with 128)."""
AT_ONCE = 16
"""Guesses under way at once; a quarter of what one host is asked for (limits.upstream_requests_per_host)."""
WAITING = 2048
"""Guesses not begun yet; the newest are the likeliest."""
MODS = 4096
"""Modules of which it is known that a .mod has just been fetched."""
MODS_SECONDS = 60.0
"""How long that counts as just now: a graph of a thousand modules takes less."""
READ = 65536
"""Bytes of a go.mod file up to which it is read for guesses: real ones have a quarter of that, and a hostile one of
16 MiB would keep the event loop busy for seconds."""
PRUNED = (1, 17)
"""From this go version on, the requirements of a dependency are not followed (go.dev/ref/mod#graph-pruning)."""
CLAIM_SECONDS = 30.0
"""A guess that nobody asked for within this time is lost: a slow build asks for the next file within seconds."""
PAUSE_SECONDS = 600.0
"""No guesses for so long after too many were lost."""


class Inner(Protocol):
    """What guesses are fetched through: cache/artifacts.py."""

    async def get(self, ask: Ask, terms: Terms) -> Answer: ...

    async def close(self, grace: float = 0.0) -> None: ...


class Ahead:
    """Satisfies what cache/cached.py wants of Artifacts, and guesses from what goes by."""

    def __init__(
        self,
        artifacts: Inner,
        *,
        allowed: Callable[[Ask], bool],
        is_stored: Callable[[Ask], bool],
        metrics: Metrics,
        unexpected: Callable[[BaseException], None],
        at_once: int = AT_ONCE,
        workers: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`allowed` says where guesses may be made at all: never where a path is private, unless that is set.

        Of `workers` processes only one is asked for what a guess was about, and the others do not hear of it: what
        seems lost costs less then, so that four right guesses of five still balance.
        """
        self._artifacts = artifacts
        self._allowed = allowed
        self._is_stored = is_stored
        self._unexpected = unexpected
        self._at_once = at_once
        self._loss = 1.0 / (5 * workers - 4)
        self._clock = clock
        self._made = metrics.counter(families.AHEAD, "made")
        self._right = metrics.counter(families.AHEAD, "right")
        self._wrong = metrics.counter(families.AHEAD, "wrong")
        self._waiting: deque[Ask] = deque(maxlen=WAITING)
        self._unclaimed: OrderedDict[str, float] = OrderedDict()
        self._mods: OrderedDict[ModulePath, tuple[str, float]] = OrderedDict()
        self._room = WINDOW
        self._balance = 0.0  # a right guess earns a quarter of one, a wrong one costs one
        self._paused_until = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        answer = await self._artifacts.get(ask, terms)
        claimed = self._unclaimed.pop(ask.name, None) is not None
        if claimed:
            self._right.value += 1
            self._balance = min(self._balance + 0.25, WINDOW)
            self._room = min(self._room + 1, WIDEST)
        fetched = answer.cached in (Cached.MISS, Cached.COALESCED)
        if (fetched or claimed) and terms.freshness is not Freshness.CACHED_ONLY and isinstance(answer.body, Ready):
            self._guess(ask, answer.body.data)
        return answer

    async def close(self, grace: float = 0.0) -> None:
        """Make no more guesses, and close what is guessed about."""
        self._waiting.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._artifacts.close(grace)

    def _guess(self, ask: Ask, data: bytes) -> None:
        if not self._allowed(ask) or self._clock() < self._paused_until:
            return
        if ask.kind is Kind.INFO:
            guesses = [Ask(Kind.MOD, ask.path, ask.version), *self._build_list(ask)]
        else:
            self._remember(ask)
            pruned = len(data) > READ or go_line(data) >= PRUNED
            guesses = [] if pruned else [Ask(Kind.MOD, path, version) for path, version in requirements(data)]
        self._waiting.extendleft(reversed(guesses))
        self._begin()

    def _remember(self, ask: Ask) -> None:
        """A .mod was fetched; of its module the highest version counts."""
        known, _ = self._mods.pop(ask.path, (ask.version, 0.0))
        self._mods[ask.path] = max(known, ask.version, key=sort_key), self._clock()
        if len(self._mods) > MODS:
            self._mods.popitem(last=False)

    def _build_list(self, ask: Ask) -> list[Ask]:
        """The .info of what was fetched together with the .mod of `ask`; nothing if that was not just now."""
        known, _ = self._mods.get(ask.path, ("", 0.0))
        if known != ask.version:
            return []
        since = self._clock() - MODS_SECONDS
        guesses = [Ask(Kind.INFO, path, version) for path, (version, when) in self._mods.items() if when > since]
        self._mods.clear()
        return guesses

    def _begin(self) -> None:
        """Begin as many guesses as there is room for."""
        self._forget()
        while self._waiting and len(self._tasks) < self._at_once and len(self._unclaimed) < self._room:
            guess = self._waiting.popleft()
            if guess.name in self._unclaimed or not self._allowed(guess) or self._is_stored(guess):
                continue
            self._unclaimed[guess.name] = self._clock()
            self._made.value += 1
            task = asyncio.get_running_loop().create_task(self._fetch(guess))  # ended by close
            self._tasks.add(task)
            task.add_done_callback(self._done)

    async def _fetch(self, guess: Ask) -> None:
        try:
            await self._artifacts.get(guess, Terms())
        except GatewayError:
            self._unclaimed.pop(guess.name, None)  # whoever asks for it is told
        except Exception as error:  # noqa: BLE001 nobody else would hear of it
            self._unexpected(error)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            self._begin()

    def _forget(self) -> None:
        """Guesses that nobody asked for in time are lost; too many of them, and we stop guessing for a while."""
        old = self._clock() - CLAIM_SECONDS
        while self._unclaimed and next(iter(self._unclaimed.values())) < old:
            self._unclaimed.popitem(last=False)
            self._wrong.value += 1
            self._balance -= self._loss
            self._room = WINDOW
        if self._balance < -WINDOW:
            self._balance = 0.0
            self._paused_until = self._clock() + PAUSE_SECONDS
            self._waiting.clear()

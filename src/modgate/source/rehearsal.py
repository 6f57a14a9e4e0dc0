"""An upstream that fails because a drill says so: a failover is rehearsed with the real chain, breaker and probes.

Belongs here: which requests fail, how, and for how long. Not here: who orders it (gateway/drill.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Literal, TypeVar

from modgate.errors import Trouble, Unavailable
from modgate.source.base import Answer, Ask, Terms

if TYPE_CHECKING:
    from modgate.source.goproxy import GoProxy

T = TypeVar("T")
How = Literal["refuse", "hang"]


class Rehearsal:
    """Whether one upstream fails at the moment. In time it ends by itself: a drill that nobody ends is no outage."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._until = 0.0
        self._how: How = "refuse"
        self._over = asyncio.Event()

    @property
    def is_on(self) -> bool:
        return asyncio.get_running_loop().time() < self._until

    def begin(self, seconds: float, how: How) -> None:
        """Let each request fail for so many seconds: as a refused connection, or as one that is never answered."""
        self._over.clear()
        self._how, self._until = how, asyncio.get_running_loop().time() + seconds

    def end(self) -> None:
        """Let requests through again, those that hang too."""
        self._until = 0.0
        self._over.set()

    async def hindered(self, silence: float) -> None:
        """Pass if there is no drill; `silence` is for how many seconds an upstream is waited for that says nothing.

        Raises:
            Unavailable: there is one.
        """
        if not self.is_on:
            return
        if self._how == "refuse":
            reason, trouble = "could not be reached (a drill)", Trouble.CONNECTION
            raise Unavailable(source=self._name, reason=reason, trouble=trouble, blames_upstream=True, again=True)
        left = self._until - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(min(silence, left)):
                await self._over.wait()
        except TimeoutError as error:
            if left < silence:
                return  # the drill is over, and the answer comes after all
            reason = f"sent no first byte within {silence:g} s (a drill)"
            raise Unavailable(
                source=self._name, reason=reason, trouble=Trouble.TIMEOUT, blames_upstream=True
            ) from error


class Rehearsed:
    """An upstream that a drill may keep from answering. It has all that others want of a GoProxy."""

    def __init__(self, proxy: GoProxy, rehearsal: Rehearsal) -> None:
        self._proxy = proxy
        self._rehearsal = rehearsal

    @property
    def name(self) -> str:
        return self._proxy.name

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        return await self._unless(lambda: self._proxy.get(ask, terms))

    async def fetch(self, name: str, most: int, label: str) -> bytes:
        """As GoProxy.fetch."""
        return await self._unless(lambda: self._proxy.fetch(name, most, label))

    async def look(self, path: str, seconds: float) -> tuple[int, Mapping[str, str]]:
        """As GoProxy.look."""
        await self._rehearsal.hindered(min(seconds, self._proxy.silence))
        return await self._proxy.look(path, seconds)

    async def alive(self, name: str) -> bool:
        """As GoProxy.alive."""
        try:
            return await self._unless(lambda: self._proxy.alive(name))
        except Unavailable:
            return False

    async def _unless(self, call: Callable[[], Awaitable[T]]) -> T:
        await self._rehearsal.hindered(self._proxy.silence)
        return await call()

"""How much of what arrives is handled before others have the event loop.

Ten downloads that bring bytes at the same moment are ten pieces of work of 0.1 ms, and then come their readers: whoever
asks for something small meanwhile would wait for all of it.
"""

from __future__ import annotations

import asyncio
from collections import deque

AT_ONCE = 2
"""Pieces between two looks at the sockets. One would cost a herd of readers 8 % for looking, two cost half of that."""


class Pace:
    """Lets pieces of work through, a few in each turn of the event loop, in the order in which they came."""

    def __init__(self) -> None:
        self._left = AT_ONCE
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._renews = False

    async def turn(self) -> None:
        """Wait until there is time for one more piece, which comes before the caller's next `await`."""
        loop = asyncio.get_running_loop()
        if not self._renews:
            self._renews = True
            loop.call_soon(self._renew, loop)
        if self._left and not self._waiting:
            self._left -= 1
            return
        waiting = loop.create_future()
        self._waiting.append(waiting)
        # Whoever is cancelled takes a place of this turn with it; the next turn has all of them again.
        await waiting

    def _renew(self, loop: asyncio.AbstractEventLoop) -> None:
        """Another turn of the loop."""
        self._left = AT_ONCE
        while self._left and self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                self._left -= 1
        self._renews = self._left < AT_ONCE
        if self._renews:
            loop.call_soon(self._renew, loop)

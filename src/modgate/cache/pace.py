"""How much of what arrives is handled before others have the event loop.

Ten downloads that bring bytes at the same moment are ten pieces of work of 0.1 ms, and then come their readers: whoever
asks for something small meanwhile would wait for all of it.

And a slow upstream sends in small pieces: ten zips at 8 MB/s each, with their readers, kept a core busy for 1.06 s in
3.6; with rests between pieces it is 0.67 s, and 0.63 s with a read-ahead of 64 KiB (net/sessions.py).
"""

from __future__ import annotations

import asyncio
from collections import deque

from modgate.net.response import SMALL

AT_ONCE = 2
"""Pieces between two looks at the sockets. One would cost a herd of readers 8 % for looking, two cost half of that."""

REST, REST_MOST = 0.001, 0.02
"""Seconds that one waits who has come upon a small piece, for each who waits then, itself included, and at most: one
alone waits 1 ms, and of up to twenty at once no more than some thousand small pieces come in a second. Handling one
costs 0.1 ms, whatever its size."""


class Pace:
    """Lets pieces of work through, a few in each turn of the event loop, in the order in which they came; where pieces
    that arrive and pieces that leave wait, one of these and one of those. A herd of readers, of whom each takes every
    piece, would else keep the pieces that they want from arriving.
    """

    def __init__(self) -> None:
        self._left = AT_ONCE
        self._arriving: deque[asyncio.Future[None]] = deque()
        self._leaving: deque[asyncio.Future[None]] = deque()
        self._renews = False
        self._resting = 0

    async def turn(self, *, arrives: bool = False) -> None:
        """Wait until there is time for one more piece, which comes before the caller's next `await`."""
        loop = asyncio.get_running_loop()
        if not self._renews:
            self._renews = True
            loop.call_soon(self._renew, loop)
        if self._left and not self._arriving and (arrives or not self._leaving):
            self._left -= 1
            return
        waiting = loop.create_future()
        (self._arriving if arrives else self._leaving).append(waiting)
        # Whoever is cancelled takes a place of this turn with it; the next turn has all of them again.
        await waiting

    async def rest(self, size: int) -> None:
        """After a piece of `size` bytes, and before the next one: while it rests, small ones become a large one."""
        if size >= SMALL:
            return
        self._resting += 1
        try:
            await asyncio.sleep(min(self._resting * REST, REST_MOST))
        finally:
            self._resting -= 1

    def _renew(self, loop: asyncio.AbstractEventLoop) -> None:
        """Another turn of the loop."""
        self._left = AT_ONCE
        first, second = self._arriving, self._leaving
        while self._left and (first or second):
            waiting = (first or second).popleft()
            if not waiting.done():
                waiting.set_result(None)
                self._left -= 1
                first, second = second, first
        self._renews = self._left < AT_ONCE
        if self._renews:
            loop.call_soon(self._renew, loop)

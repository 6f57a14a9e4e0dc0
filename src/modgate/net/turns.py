"""Who is served next where many want the same few places: each asker in turn.

Without this, a client with a thousand misses would be served a thousand times before the next one is.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

_asker: ContextVar[str] = ContextVar("modgate_asker", default="")


def asked_by(name: str) -> None:
    """What is fetched in this task, and in those that it starts, is for `name`: a client's address."""
    _asker.set(name)


def asker() -> str:
    """For whom this task is; "" for nobody in particular."""
    return _asker.get()


class Turns:
    """So many places, which askers take in turn; with one asker it is a queue."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Have a place for as long as the block takes."""
        await self.acquire()
        try:
            yield
        finally:
            self.release()

    def take(self) -> bool:
        """Take a place if one is free: nobody waits then."""
        if self._free <= 0:
            return False
        self._free -= 1
        return True

    async def acquire(self) -> None:
        """Take a place, when it is the turn of whoever asks in this task (`asked_by`)."""
        if self.take():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(asker(), deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()  # the place was given to us just before
            raise

    def release(self) -> None:
        """Give a place back: it is the next one's."""
        while self._waiting:
            asker, queue = next(iter(self._waiting.items()))
            turn = queue.popleft()
            if queue:
                self._waiting.move_to_end(asker)
            else:
                del self._waiting[asker]
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

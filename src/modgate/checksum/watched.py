"""A witness whose failures are told, and not waited for anew by each who comes.

While it fails nothing new is published, and everybody who asks for a new record waits for the same answer: they get the
last one, and the witness is asked again every PAUSE seconds.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from modgate.checksum.logstore import Witness
from modgate.errors import Unavailable
from modgate.observe.events import Events

T = TypeVar("T")

PAUSE = 2.0
"""Seconds: who retries as our 503 says (after 5) finds it asked anew."""


class Watched:
    """Satisfies checksum.logstore.Witness."""

    def __init__(self, witness: Witness, events: Events, clock: Callable[[], float] = time.monotonic) -> None:
        self._witness = witness
        self._events = events
        self._clock = clock
        self._failure: Unavailable | None = None
        self._until = 0.0

    async def read(self) -> bytes | None:
        return await self._told(self._witness.read)

    async def write(self, old: bytes | None, new: bytes) -> bool:
        return await self._told(lambda: self._witness.write(old, new))

    async def _told(self, ask: Callable[[], Awaitable[T]]) -> T:
        if self._failure is not None and self._clock() < self._until:
            raise _again(self._failure)
        try:
            answer = await ask()
        except Unavailable as error:
            if self._failure is None:
                self._events.emit("witness_unavailable", reason=error.reason)
            self._failure, self._until = error, self._clock() + PAUSE
            raise
        if self._failure is not None:
            self._events.emit("witness_available")
            self._failure = None
        return answer


def _again(error: Unavailable) -> Unavailable:
    """One of its own for each, since what was asked is written into it."""
    return Unavailable(reason=error.reason, trouble=error.trouble, retry_after=error.retry_after)

"""Calls of the operating system that may block for ever: a file on a network file system whose server is gone.

Belongs here: that nobody waits for such a call longer than he wants to, and that not all threads end up in one. Not
here: what is called (directory.py).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

T = TypeVar("T")

MOST = 8
"""Threads in calls of one file system at once: enough for a fast disk, and what one that hangs may take."""


class Stuck(Exception):
    """The call did not come back in time, or so many others have not that it was not made."""


class Blocking:
    """Makes calls, each in a thread of its own; a call that hangs keeps its thread, and one of the places."""

    def __init__(self, seconds: float, most: int = MOST) -> None:
        """`seconds` is how long a call is waited for, its place included; `most` is the number of places."""
        self.seconds = seconds
        self._most = most
        self._places = asyncio.Semaphore(most)
        self._late = 0

    async def call(self, what: Callable[..., T], *arguments: Any, discard: Callable[[T], None] | None = None) -> T:
        """What `what(*arguments)` returns or raises. `discard` is given what comes when nobody waits any more.

        Raises:
            Stuck: it did not come back in time; or all places are taken by such calls, then at once.
        """
        if self._late >= self._most:
            raise Stuck(f"{self._late} earlier reads of it hang")
        run = _Run(what, arguments, discard)
        try:
            async with asyncio.timeout(self.seconds):
                await self._places.acquire()
                run.start(self._over)
                return await run.result
        except TimeoutError as error:
            raise Stuck(f"sent nothing within {self.seconds:g} s") from error
        finally:
            if run.is_under_way:
                run.abandoned = True
                self._late += 1

    def _over(self, run: _Run[T]) -> None:
        """In the loop's thread, when the call has come back."""
        self._places.release()
        if run.abandoned:
            self._late -= 1


class _Run(Generic[T]):
    """One call and its thread: a daemon, so that one that never comes back holds up no end of the process."""

    def __init__(self, what: Callable[..., T], arguments: tuple[Any, ...], discard: Callable[[T], None] | None) -> None:
        self._what = what
        self._arguments = arguments
        self._discard = discard
        self._loop = asyncio.get_running_loop()
        self.result: asyncio.Future[T] = self._loop.create_future()
        self.is_under_way = False
        self.abandoned = False

    def start(self, over: Callable[[_Run[T]], None]) -> None:
        """Begin; `over` is called in the loop when it has come back."""
        self.is_under_way = True
        self._tell = over
        threading.Thread(target=self._run, name="modgate-blocking", daemon=True).start()

    def _run(self) -> None:
        value, problem = None, None
        try:
            value = self._what(*self._arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where the call was made
            problem = error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            self._loop.call_soon_threadsafe(self._came, value, problem)

    def _came(self, value: Any, problem: Exception | None) -> None:
        self.is_under_way = False
        self._tell(self)
        if self.result.done():
            if problem is None and self._discard is not None:
                self._discard(value)
        elif problem is None:
            self.result.set_result(value)
        else:
            self.result.set_exception(problem)

"""Large files are brought to the disk while they arrive, so that their end has little to wait for.

Left to the end, a gigabyte of ten zips that come at the same moment goes to the disk at once, and for a second every
hundredth hit waits 5 to 12 ms behind that; brought there bit by bit, one file after the other and at low priority, 1
to 2 ms (ADR 0020). What is durable is decided by the fsync at the end, as ever.
"""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress

EVERY = 4 << 20
"""Bytes of one file between two rounds: 2 ms of the kernel's time on a fast disk."""
NICE = 10
"""Serving comes first. Not 19: the thread holds the GIL for some microseconds after each round."""


class WriteBack:
    """The one thread of a process for that. `close` it."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "writeback", initializer=_step_back)

    def file(self) -> Early:
        """A file begins to arrive."""
        return Early(self._pool)

    def close(self) -> None:
        """Let what is under way end."""
        self._pool.shutdown()


class Early:
    """What of one file goes to the disk before its end."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._size = 0
        self._last: asyncio.Future[OSError | None] | None = None
        self._error: OSError | None = None

    def grown(self, descriptor: int, size: int) -> None:
        """So many bytes lie in the file; the descriptor stays the caller's."""
        if size - self._size < EVERY or (self._last is not None and not self._last.done()):
            return
        self._size = size
        # Do not cancel it: one that has not begun yet would leave its descriptor open.
        self._last = asyncio.get_running_loop().run_in_executor(self._pool, synced, os.dup(descriptor))
        self._last.add_done_callback(self._ended)

    async def outcome(self) -> OSError | None:
        """What went wrong on the way. The kernel tells of a failed write once: the fsync at the end may not hear it."""
        if self._last is not None:
            await asyncio.shield(self._last)
        return self._error

    def _ended(self, last: asyncio.Future[OSError | None]) -> None:
        if not last.cancelled():
            self._error = self._error or last.result()


def synced(descriptor: int) -> OSError | None:
    """Make a file durable, and close the descriptor; what went wrong. For a thread."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        return error
    finally:
        os.close(descriptor)
    return None


def _step_back() -> None:
    """On Linux a priority is the thread's own."""
    me = os.PRIO_PROCESS, threading.get_native_id()
    with suppress(OSError):
        os.setpriority(*me, max(NICE, os.getpriority(*me)))

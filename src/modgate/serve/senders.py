"""Threads that send large files to clients which read as fast as we send.

Belongs here: how many there are, and that one is lent. Not here: what they send, and for how long (delivery.py).

Each waits in the kernel, inside of sendfile(2), for room in its client's socket: a wake-up costs a change of threads
there, 5 µs. Waking the event loop for it costs 30 to 100: what the interpreter needs has left the processor's caches
while bytes were sent. A connection whose socket somebody else may block must not be read by the loop meanwhile.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import Protocol

MOST = 8
"""Threads of one port: some cores are busy with sending long before; whoever comes later is served by the event loop.
One costs 60 KB once it is needed, and nothing before."""


class Job(Protocol):
    """What a thread is lent to."""

    def work(self) -> None:
        """Done by the thread; raises nothing."""

    def returned(self) -> None:
        """Called in the event loop when it has been done."""


class Senders:
    """The threads of one port, started when they are needed. `close` them."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._started = 0
        self._busy = 0
        self._jobs: SimpleQueue[tuple[Job, asyncio.AbstractEventLoop] | None] = SimpleQueue()

    @property
    def is_one_free(self) -> bool:
        return self._busy < self._most

    def lend(self, job: Job) -> None:
        """Let a thread that is free do it; to be called in the event loop."""
        self._busy += 1
        if self._busy > self._started:
            self._started += 1
            # A daemon: a process that ends does not wait for a client that takes its time.
            threading.Thread(target=self._work, name=f"sender-{self._started}", daemon=True).start()
        self._jobs.put((job, asyncio.get_running_loop()))

    def close(self) -> None:
        """Each thread ends when it has done what it does."""
        for _ in range(self._started):
            self._jobs.put(None)
        self._most = 0

    def _work(self) -> None:
        while (lent := self._jobs.get()) is not None:
            job, loop = lent
            job.work()
            with suppress(RuntimeError):  # the loop has been closed: the process ends
                loop.call_soon_threadsafe(self._back, job)
            del lent, job

    def _back(self, job: Job) -> None:
        self._busy -= 1
        job.returned()

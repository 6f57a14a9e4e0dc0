"""From the first accepted connection to the last answered one.

The first stop drains: no accepted request is cut off within the drain time; a second one cuts.
"""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from modgate.observe.access_log import AccessLog
from modgate.serve import garbage

if TYPE_CHECKING:
    from modgate.serve.listener import Listener

RESERVED = 576
"""Descriptors that are no client's: three for each of 48 downloads, 64 connections to an upstream, its idle ones, the
store, files that are being sent or written, and small ones that are kept open."""
FLUSH_SECONDS = 0.2
"""Between two writes of access-log lines: a batch costs half of single lines (0.22 against 0.42 µs)."""


def allow_descriptors() -> None:
    """Use as many file descriptors as the machine grants: the customary soft limit of 1024 is for programs that use
    select(2), and a client costs one, its zip another.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # Some systems call "unlimited" a hard limit that the kernel then refuses.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def connections_allowed() -> int:
    """How many clients this process has descriptors for; to be asked after `allow_descriptors`."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return sys.maxsize
    return soft - min(RESERVED, soft // 2)


class Lifecycle:
    """Runs listeners and the gateway's own watches until it is told to stop."""

    def __init__(
        self,
        listeners: Sequence[Listener],
        watches: Sequence[Coroutine[Any, Any, None]],
        access_log: AccessLog,
        drain_seconds: float,
    ) -> None:
        """`watches` run for ever; they are cancelled after the drain."""
        self._listeners = tuple(listeners)
        self._watches = tuple(watches)
        self._access_log = access_log
        self._drain_seconds = drain_seconds
        self._stopping = asyncio.Event()

    async def run(self, *, started: Callable[[], None]) -> None:
        """Serve until `stop`; `started` is called when connections are accepted."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(watch) for watch in self._watches]
            tasks += [group.create_task(listener.watch()) for listener in self._listeners]
            tasks.append(group.create_task(self._flush()))
            for listener in self._listeners:
                await listener.start()
            started()
            garbage.begin()
            await self._stopping.wait()
            await asyncio.gather(*(listener.drain(self._drain_seconds) for listener in self._listeners))
            for task in tasks:
                task.cancel()

    def stop(self) -> None:
        """Drain; called once more, cut."""
        if self._stopping.is_set():
            self.cut()
        self.drain()

    def drain(self) -> None:
        """Accept no more, answer what has been accepted, and end."""
        self._stopping.set()

    def cut(self) -> None:
        """End every connection now."""
        for listener in self._listeners:
            listener.abort()

    async def _flush(self) -> None:
        """Write lines some time after they came; where nobody asks for anything, nobody wakes up."""
        log, some = self._access_log, asyncio.Event()
        log.begins = some.set
        while True:
            if not log.waits:
                some.clear()
                await some.wait()
            await asyncio.sleep(FLUSH_SECONDS)
            log.flush()


def on_signals(stop: Callable[[], None], reload: Callable[[], None]) -> None:
    """SIGTERM and SIGINT stop, SIGHUP reads log files and certificates anew; to be called in the running loop."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, reload)

"""Locks on names, held across processes of one machine.

A lock is an flock on `spool/<key>.lock`; the kernel drops it when its holder dies. The holder removes the file before
it lets go, so that a million cold fetches leave no litter; whoever gets a lock therefore looks whether the file it
locked is still the one at that path, and begins again if not. A lock is never renamed, and nobody but its holder
removes it.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

POLL_FIRST, POLL_MOST = 0.002, 0.02
"""Seconds between looks at a lock that another process holds: a coalesced ask notices the end within 20 ms, and a
hundred waiters cost 1 % of a core (6 µs a look)."""


def key_of(namespace: str, name: str) -> str:
    """A file-name-safe key for a name of any length: 32 hex digits."""
    return hashlib.sha256(f"{namespace}/{name}".encode()).hexdigest()[:32]


class Locks:
    """The locks below one spool directory."""

    def __init__(self, spool: Path) -> None:
        self._spool = spool

    def try_hold(self, key: str) -> int | None:
        """Take the lock if nobody has it; returns the descriptor to give to `release`, or None.

        Raises:
            OSError: the lock file cannot be made, for example because the disk is full.
        """
        path = self._path(key)
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return None
            except OSError:
                os.close(descriptor)
                raise
            if _is_at(descriptor, path):
                return descriptor
            os.close(descriptor)  # its last holder removed it between our open and our lock

    def release(self, key: str, descriptor: int) -> None:
        """Give the lock back. If we die before the unlink, the next start sweeps the file."""
        with suppress(FileNotFoundError):
            os.unlink(self._path(key))
        os.close(descriptor)

    @asynccontextmanager
    async def hold(self, key: str, *, meanwhile: Callable[[], None] = lambda: None) -> AsyncIterator[bool]:
        """Hold the lock; yields True if another process had it when we came.

        `meanwhile` is called at each look while another process holds it.

        Raises:
            OSError: the lock file cannot be made.
        """
        pause, waited = POLL_FIRST, False
        while (descriptor := self.try_hold(key)) is None:
            waited = True
            meanwhile()
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, POLL_MOST)
        try:
            yield waited
        finally:
            self.release(key, descriptor)

    def _path(self, key: str) -> str:
        return f"{self._spool}/{key}.lock"


def _is_at(descriptor: int, path: str) -> bool:
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    return there.st_ino == os.fstat(descriptor).st_ino

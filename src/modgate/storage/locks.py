"""Locks on names, held across processes of one machine.

A lock is one byte of the file `<directory>.locks`, at a place that the name's hash gives, locked by fcntl for the open
file (F_OFD_SETLK): the kernel drops it when its holder dies. Nothing is made or removed for it, so that a lock costs
two system calls and never waits for the file system's journal, and a million cold fetches leave no litter. Two names
share a byte once in 10^16 pairs, and then wait for each other.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import struct
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

POLL_FIRST, POLL_MOST = 0.002, 0.02
"""Seconds between looks at a lock that another process holds: a coalesced ask notices the end within 20 ms, and a
hundred waiters cost 1 % of a core (6 µs a look)."""

FLOCK = struct.Struct("hhqqi4x")
"""struct flock of Linux: l_type, l_whence, l_start, l_len, and l_pid, which is 0 for locks of an open file."""


def key_of(namespace: str, name: str) -> str:
    """A file-name-safe key for a name of any length: 32 hex digits."""
    return hashlib.sha256(f"{namespace}/{name}".encode()).hexdigest()[:32]


@contextmanager
def opening(directory: Path) -> Iterator[None]:
    """Be the only process that opens or makes databases in `directory`: SQLite's change to WAL does not wait for
    another one's, it fails (sqlite.org/wal.html).

    Raises:
        OSError: the directory cannot be opened.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class Locks:
    """The locks that belong to one directory. Two of these exclude each other as two processes do."""

    def __init__(self, directory: Path) -> None:
        self._path = f"{directory}.locks"
        self._descriptor = -1
        self._held: set[str] = set()

    def try_hold(self, key: str) -> bool:
        """Take the lock, if nobody has it.

        Raises:
            OSError: the file cannot be opened.
        """
        if key in self._held or not self._lock(key, fcntl.F_WRLCK):
            return False
        self._held.add(key)
        return True

    def release(self, key: str) -> None:
        """Give the lock back."""
        self._held.discard(key)
        self._lock(key, fcntl.F_UNLCK)

    @asynccontextmanager
    async def hold(self, key: str, *, meanwhile: Callable[[], None] = lambda: None) -> AsyncIterator[bool]:
        """Hold the lock; yields True if somebody else had it when we came.

        `meanwhile` is called at each look while somebody else holds it.

        Raises:
            OSError: the file cannot be opened.
        """
        pause, waited = POLL_FIRST, False
        while not self.try_hold(key):
            waited = True
            meanwhile()
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, POLL_MOST)
        try:
            yield waited
        finally:
            self.release(key)

    def _lock(self, key: str, kind: int) -> bool:
        if self._descriptor < 0:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            weakref.finalize(self, os.close, self._descriptor)
        place = int.from_bytes(hashlib.sha256(key.encode()).digest()[:7])
        try:
            fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLK, FLOCK.pack(kind, os.SEEK_SET, place, 1, 0))
        except BlockingIOError:
            return False
        return True

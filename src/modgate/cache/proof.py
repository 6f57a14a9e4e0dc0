"""Which files of the tree are known to be what was committed.

The first serving of a large file after a start, or after its size, time or inode changed, hashes it first, in a thread
(1.5 GB/s from the page cache); afterwards a look at its identity is enough.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import OrderedDict

from modgate.storage.tree import Identity, identity_of, raise_spent

MOST = 100_000
"""Files remembered: 20 MB. One that is forgotten is hashed again."""
PIECE = 1 << 20
"""Bytes hashed at once; hashlib lets other threads run meanwhile."""


class Proofs:
    """What this process has hashed."""

    def __init__(self) -> None:
        self._proven: OrderedDict[str, Identity] = OrderedDict()
        self._running: dict[str, asyncio.Future[Identity | None]] = {}

    def holds(self, path: str, identity: Identity) -> bool:
        if self._proven.get(path) != identity:
            return False
        self._proven.move_to_end(path)
        return True

    def put(self, path: str, identity: Identity) -> None:
        """The file was hashed as it was written, or just now."""
        self._proven[path] = identity
        self._proven.move_to_end(path)
        if len(self._proven) > MOST:
            self._proven.popitem(last=False)

    async def prove(self, path: str, sha256: str) -> Identity | None:
        """Hash the file at `path`: its identity if it is what `sha256` says, else None.

        Any number of callers cost one reading.

        Raises:
            Unavailable: no file can be opened just now.
        """
        running = self._running.get(path)
        if running is None:
            running = asyncio.get_running_loop().run_in_executor(None, _identity_if, path, sha256)
            self._running[path] = running
            running.add_done_callback(lambda done: self._ended(path, done))
        identity = await asyncio.shield(running)
        if identity is not None:
            self.put(path, identity)
        return identity

    def _ended(self, path: str, done: asyncio.Future[Identity | None]) -> None:
        self._running.pop(path, None)
        if not done.cancelled():
            done.exception()  # whoever waits is told; perhaps nobody does any more


def _identity_if(path: str, sha256: str) -> Identity | None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise_spent(error)
        return None
    try:
        identity, digest, position = identity_of(descriptor), hashlib.sha256(), 0
        while data := os.pread(descriptor, PIECE, position):
            digest.update(data)
            position += len(data)
        same = digest.hexdigest() == sha256 and identity_of(descriptor) == identity
        return identity if same else None
    except OSError:
        return None
    finally:
        os.close(descriptor)

"""A file that is still arriving, and its readers.

The last 64 KiB are held back until the whole file has passed its checks: whatever goes wrong, no client ever holds a
complete bad zip, and one smaller than that gets its true status.
"""

from __future__ import annotations

import asyncio
import os
import weakref

from modgate.cache.pace import Pace
from modgate.errors import GatewayError, Trouble, Unavailable
from modgate.source.base import Reader
from modgate.storage.tree import Identity, identity_of

HOLD = 65536
"""Bytes held back."""
PIECE = 262144
"""Bytes that a reader takes at once: as much as a socket takes, and no more memory for a slow client."""


STALL_SECONDS = 300.0
"""A reader waits so long for the next byte. A download that breaks and goes on has deadlines of its own, and is given
up sooner; but its leader may be another process, and that may be stopped."""


class Spooled:
    """One attempt at a file. Satisfies source.base.Growing."""

    growing = True

    def __init__(self, path: str, pace: Pace) -> None:
        """All readers share `pace`. `path` exists; its inode stays the same for the life of this object, whatever
        happens to the name.

        Raises:
            OSError: it cannot be opened.
        """
        self._descriptor = os.open(path, os.O_RDONLY)
        # Closed when nobody holds this object any more: an answer may be on its way to its reader when the flight ends.
        weakref.finalize(self, os.close, self._descriptor)
        self.pace = pace
        self._moved = asyncio.Event()
        self._error: GatewayError | None = None
        self.size: int | None = None
        """Of the whole file, once known."""
        self.released = 0
        """Bytes that may be handed out."""
        self.done = False

    @property
    def identity(self) -> Identity:
        """Of the file as it is now."""
        return identity_of(self._descriptor)

    @property
    def failed(self) -> GatewayError | None:
        return self._error

    def grow(self, written: int) -> None:
        """`written` bytes lie in the file; whatever its length turns out to be, its end is not handed out here."""
        free = (written if self.size is None else min(written, self.size)) - HOLD
        if free > self.released:
            self.released = free
            self._wake()

    def finish(self, size: int) -> None:
        """The whole file has passed its checks and is committed."""
        self.size = self.released = size
        self.done = True
        self._wake()

    def fail(self, error: GatewayError) -> None:
        """Whoever reads it is cut, and told the first error; a finished file cannot fail."""
        if not self.done and self._error is None:
            self._error = error
            self._wake()

    async def started(self) -> None:
        """Wait until the first byte may be handed out.

        Raises:
            GatewayError: what the attempt failed with.
        """
        while not self.released and not self.done:
            if self._error is not None:
                raise self._error
            await self.moved()

    async def moved(self) -> None:
        await self._moved.wait()

    async def open(self, start: int = 0, stop: int | None = None) -> Reader:
        return _SpoolReader(self, start, stop)

    def fileno(self) -> int:
        return os.dup(self._descriptor)

    def read_at(self, position: int, most: int) -> bytes:
        return os.pread(self._descriptor, most, position)

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()


class _SpoolReader:
    def __init__(self, spooled: Spooled, start: int, stop: int | None) -> None:
        self._spooled = spooled
        self._position = start
        self._stop = stop
        self._last = PIECE
        """Bytes of the last piece."""

    async def read(self) -> bytes:
        if not self._spooled.done:
            await self._spooled.pace.rest(self._last)
        while True:
            await self._spooled.pace.turn()
            data = self._there()
            if data is not None:
                self._last = len(data)
                return data
            try:
                async with asyncio.timeout(STALL_SECONDS):
                    await self._spooled.moved()
            except TimeoutError as error:
                reason = f"brought nothing for {STALL_SECONDS:g} s"
                raise Unavailable(reason=reason, trouble=Trouble.TIMEOUT) from error

    def _there(self) -> bytes | None:
        """The next bytes, none at the end; None: they have not come yet."""
        spooled = self._spooled
        if spooled.failed is not None:
            raise spooled.failed
        end = spooled.released if self._stop is None else min(spooled.released, self._stop)
        if self._position < end:
            data = spooled.read_at(self._position, min(PIECE, end - self._position))
            if not data:  # given up by another process, which we shall hear of
                raise Unavailable(reason="broke off while it was read", trouble=Trouble.OURS)
            self._position += len(data)
            return data
        is_over = spooled.done or (self._stop is not None and self._position >= self._stop)
        return b"" if is_over else None

    def close(self) -> None:
        """Nothing to do: the file is the spooled object's, which many read."""

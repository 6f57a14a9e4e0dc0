"""A large file on its way to one client, by sendfile(2), below the transport.

Belongs here: the calls and their order. Not here: framing (cycle.py, download.py), small files (zerocopy.py). uvloop
has no sendfile, and refuses to watch a transport's own descriptor; a duplicate of it is watched instead, for as long as
one file takes.

A file that is not in the page cache would make sendfile wait for the disk, and with it every other client: what is not
there is read by a thread first.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress

PIECE = 1 << 20
"""Bytes for one call: 0.3 ms of copying between two looks at other clients."""
NOWAIT = getattr(os, "RWF_NOWAIT", 0)
"""Linux tells by it whether a byte is in the page cache; elsewhere every file is taken to be."""


class Delivery:
    """See the module's docstring. `start` it; `ended` is told how it ended, unless it is stopped before."""

    __slots__ = (
        "_descriptor", "_end", "_ended", "_head", "_is_watched", "_loop", "_number", "_offset", "_out", "_reads",
        "_start", "_warm",
    )  # fmt: skip

    def __init__(
        self,
        *,
        out: socket.SocketType,
        head: bytes,
        descriptor: int,
        offset: int,
        count: int,
        ended: Callable[[Exception | None], None],
    ) -> None:
        """`head`, then `count` bytes of the file from `offset`. `out`, a duplicate of the connection's socket, and
        `descriptor` are closed at the end. Nobody else writes to the connection meanwhile.

        `ended` is given None, an OSError (the connection broke, or the disk), or an EOFError (the file became shorter).
        """
        self._loop = asyncio.get_running_loop()
        self._out = out
        self._number = out.fileno()
        self._head = memoryview(head)
        self._descriptor = descriptor
        self._start = self._offset = self._warm = offset
        self._end = offset + count
        self._ended: Callable[[Exception | None], None] | None = ended
        self._is_watched = False
        self._reads = False
        """A thread uses the descriptor of the file."""

    @property
    def went(self) -> int:
        """Bytes of the file that have gone."""
        return self._offset - self._start

    @property
    def left(self) -> int:
        """Bytes of the file that have not."""
        return self._end - self._offset

    def start(self) -> None:
        """Begin with the next turn of the event loop."""
        self._loop.call_soon(self._go_on)

    def stop(self) -> None:
        """Nobody waits for it any more."""
        self._ended = None
        self._close()

    def _go_on(self) -> None:
        if self._ended is None:
            return
        try:
            if self._head:
                self._put_head()
            if self._head:
                self._watch()
            elif self._offset >= self._warm and not self._is_warm():
                self._read_ahead()
            elif self._put_piece():
                self._finish(None)
            else:
                self._watch()
        except Exception as error:  # noqa: BLE001 whoever waits is told
            self._finish(error)

    def _put_head(self) -> None:
        # At once, and not with the first bytes of the file: that would cost a quarter more CPU time for all of it over
        # the loopback, where it decides who sends the next segments (docs/performance.md).
        with suppress(BlockingIOError):
            self._head = self._head[self._out.send(self._head) :]

    def _put_piece(self) -> bool:
        """Send what the socket takes of one piece; whether that was the last of all."""
        offset = self._offset
        try:
            went = os.sendfile(self._number, self._descriptor, offset, self._warm - offset)
        except BlockingIOError:
            return False
        if not went:
            raise EOFError("the file became shorter while it was sent")
        self._offset = offset + went
        return self._offset >= self._end

    def _watch(self) -> None:
        """Go on whenever the socket takes something: to register once for each piece would be three system calls
        more."""
        if not self._is_watched:
            self._is_watched = True
            self._loop.add_writer(self._number, self._go_on)

    def _unwatch(self) -> None:
        if self._is_watched:
            self._is_watched = False
            self._loop.remove_writer(self._number)

    # The disk.

    def _is_warm(self) -> bool:
        """Whether the next piece is in the page cache."""
        until = min(self._offset + PIECE, self._end)
        if not _is_warm(self._descriptor, until - 1):
            return False
        self._warm = until
        return True

    def _read_ahead(self) -> None:
        self._unwatch()
        self._reads = True
        self._loop.run_in_executor(None, _read, self._descriptor, self._offset).add_done_callback(self._is_read)

    def _is_read(self, _: asyncio.Future[None]) -> None:
        self._reads = False
        self._warm = min(self._offset + PIECE, self._end)
        if self._ended is None:
            self._close()
        self._go_on()

    # The end.

    def _finish(self, error: Exception | None) -> None:
        ended, self._ended = self._ended, None
        self._close()
        if ended is not None:
            ended(error)

    def _close(self) -> None:
        if self._descriptor >= 0 and not self._reads:
            self._unwatch()
            self._out.close()
            os.close(self._descriptor)
            self._descriptor = -1


def _read(descriptor: int, offset: int) -> None:
    """Bring a piece into the page cache; what goes wrong shows when it is sent."""
    with suppress(OSError):
        os.pread(descriptor, PIECE, offset)


def _is_warm(descriptor: int, position: int) -> bool:
    """Whether the byte at `position` is in the page cache; read-ahead brings those before it first."""
    if not NOWAIT:
        return True
    try:
        os.preadv(descriptor, [bytearray(1)], position, NOWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system that cannot tell
    return True

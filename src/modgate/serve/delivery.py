"""A large file on its way to one client, by sendfile(2), below the transport.

Belongs here: the order of the calls, and who makes them. Not here: framing (cycle.py, download.py), the threads
(senders.py), small files (zerocopy.py). uvloop has no sendfile, and refuses to watch a transport's own descriptor; a
duplicate of it is watched instead, for as long as one file takes.

Who reads slowly is served by the event loop, one piece whenever the socket takes something. Who reads as fast as we
send is lent a thread, if one is free. A file that is not in the page cache would make sendfile wait for the disk, and
with it every other client, where the event loop calls it: what is not there is read by a thread first.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from modgate.serve.senders import Senders

PIECE = 1 << 20
"""Bytes of one call in the event loop: 0.3 ms of copying between two looks at other clients."""
LENT_PIECE = 4 << 20
"""Bytes of one call in a thread: between two of them it is seen that the client takes something."""
WORTH_A_THREAD = 2 << 20
"""Bytes from which a thread is asked for: to lend one costs as much as some calls in the event loop."""
PIECE_SECONDS = 0.25
"""A client that takes longer for LENT_PIECE (16 MB/s) wakes up the event loop so seldom that it needs no thread."""
WAIT_SECONDS = 0.1
"""The longest that a thread waits for room in a socket: a third of 4 MiB at about that rate."""
WAIT = struct.pack("@ll", 0, int(WAIT_SECONDS * 1e6))
"""As setsockopt(2) wants it: a timeval."""
NOWAIT = getattr(os, "RWF_NOWAIT", 0)
"""Linux tells by it whether a byte is in the page cache; elsewhere every file is taken to be."""


class Reading(Protocol):
    """What is known of a connection's other direction (uvicorn's FlowControl)."""

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Delivery:
    """See the module's docstring. `start` it; `ended` is told how it ended, unless it is stopped before."""

    __slots__ = (
        "_descriptor", "_end", "_ended", "_error", "_head", "_is_slow", "_is_watched", "_lent", "_loop", "_number",
        "_offset", "_out", "_reading", "_senders", "_start", "_transport", "_warm", "_was_reading",
    )  # fmt: skip

    def __init__(
        self,
        *,
        transport: asyncio.Transport,
        reading: Reading,
        out: socket.SocketType,
        senders: Senders,
        head: bytes,
        descriptor: int,
        offset: int,
        count: int,
        ended: Callable[[Exception | None], None],
    ) -> None:
        """`head`, then `count` bytes of the file from `offset`. `out`, a duplicate of the transport's socket, and
        `descriptor` are closed at the end. Nobody else writes to the transport meanwhile.

        `ended` is given None, an OSError (the connection broke, or the disk), or an EOFError (the file became shorter).
        """
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._reading = reading
        self._out = out
        self._number = out.fileno()
        self._senders = senders
        self._head = memoryview(head)
        self._descriptor = descriptor
        self._start = self._offset = self._warm = offset
        self._end = offset + count
        self._ended: Callable[[Exception | None], None] | None = ended
        self._error: Exception | None = None
        self._is_watched = self._is_slow = self._was_reading = False
        self._lent = False
        """A thread uses the descriptors."""

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
        if not self._lent:
            self._close()
        else:
            with suppress(OSError):  # it is closed already
                self._out.shutdown(socket.SHUT_RDWR)  # wakes the thread up

    def _go_on(self) -> None:
        if self._ended is None:
            return
        try:
            self._step()
        except Exception as error:  # noqa: BLE001 whoever waits is told
            self._finish(error)

    def _step(self) -> None:
        if self._head and not self._put_head():
            self._watch()
        elif not self._is_slow and self.left >= WORTH_A_THREAD and self._lend():
            pass
        elif not self._is_warm():
            self._read_ahead()
        elif self._put_piece():
            self._finish(None)
        else:
            self._watch()

    def _put_head(self) -> bool:
        # Not held back until some of the file comes: over the loopback that costs the sender a quarter more CPU time.
        with suppress(BlockingIOError):
            self._head = self._head[self._out.send(self._head) :]
        return not self._head

    def _put_piece(self) -> bool:
        """Send what the socket takes of one piece; whether that was the last of all."""
        with suppress(BlockingIOError):
            went = os.sendfile(self._number, self._descriptor, self._offset, self._warm - self._offset)
            if not went:
                raise EOFError("the file became shorter while it was sent")
            self._offset += went
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
        if self._offset >= self._warm:
            until = min(self._offset + PIECE, self._end)
            if not _is_warm(self._descriptor, until - 1):
                return False
            self._warm = until
        return True

    def _read_ahead(self) -> None:
        self._unwatch()
        self._lent = True
        reading = self._loop.run_in_executor(None, _read, self._descriptor, self._offset)
        reading.add_done_callback(self._is_read)

    def _is_read(self, _: asyncio.Future[None]) -> None:
        self._warm = min(self._offset + PIECE, self._end)
        self._have_back()

    # A thread.

    def _lend(self) -> bool:
        if not self._senders.is_one_free or self._transport.is_closing():
            return False
        self._unwatch()
        # The loop must not read what is made to block: it would wait, and everybody with it.
        self._was_reading = self._transport.is_reading()
        if self._was_reading:
            self._reading.pause_reading()
        self._out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, WAIT)
        os.set_blocking(self._number, True)
        self._lent = True
        self._senders.lend(self)
        return True

    def work(self) -> None:
        """In a thread: send until all is gone, or the client turns out to be slow."""
        try:
            while self._offset < self._end:
                count, began = min(LENT_PIECE, self._end - self._offset), time.monotonic()
                went = os.sendfile(self._number, self._descriptor, self._offset, count)
                if not went:
                    raise EOFError("the file became shorter while it was sent")
                self._offset += went
                if went < count or time.monotonic() - began > PIECE_SECONDS:
                    return
        except BlockingIOError:
            return
        except Exception as error:  # noqa: BLE001 whoever waits is told
            self._error = error

    def returned(self) -> None:
        """In the event loop again."""
        os.set_blocking(self._number, False)
        self._is_slow = True
        if self._was_reading and not self._transport.is_closing():
            self._reading.resume_reading()
        self._have_back()

    def _have_back(self) -> None:
        self._lent = False
        if self._ended is None:
            self._close()
        elif self._error is not None or self._offset >= self._end:
            self._finish(self._error)
        else:
            self._go_on()

    # The end.

    def _finish(self, error: Exception | None) -> None:
        ended, self._ended = self._ended, None
        self._close()
        if ended is not None:
            ended(error)

    def _close(self) -> None:
        if self._descriptor >= 0:
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

"""The sending of a local file without its bytes passing through this process: sendfile(2), below the transport.

Belongs here: the calls and their order. Not here: framing (cycle.py), what is sent (send.py). uvloop has no sendfile,
and refuses to watch a transport's own descriptor; a duplicate of it is watched instead, for as long as one file takes.

A file that is not in the page cache would make sendfile wait for the disk, and with it every other client: what is not
there is read by a thread first.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress

from modgate.serve.openfiles import OpenFile

PIECE = 1 << 20
"""Bytes for one call: 0.3 ms of copying between two looks at other clients."""
WORTH_IT = 1 << 17
"""Bytes from which sendfile is cheaper than reading and writing: its set-up costs as much as copying 100 KB."""
PUSHED = 1 << 15
"""Bytes from which a small file goes by sendfile: below, reading it is cheaper than two more system calls."""
NOWAIT = getattr(os, "RWF_NOWAIT", 0)
"""Linux tells by it whether a byte is in the page cache; elsewhere every file is taken to be."""


def possible(transport: asyncio.Transport) -> bool:
    """Whether files can go out below this transport: no TLS, and nothing of an earlier response still in it."""
    return _is_plain(transport) and not transport.get_write_buffer_size()


def _is_plain(transport: asyncio.Transport) -> bool:
    return hasattr(os, "sendfile") and transport.get_extra_info("ssl_object") is None


class Outlet:
    """How small files leave by one connection. What its socket is, is found out once: asking costs 2 µs."""

    __slots__ = ("_is_plain", "_number", "_socket", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        own = transport.get_extra_info("socket")
        self._transport = transport
        self._number: int = own.fileno()
        self._socket = int(own.family), int(own.type), own.proto
        self._is_plain = _is_plain(transport)

    def send(self, head: bytes, file: OpenFile) -> bool:
        """Send `head` and a small file at once, by sendfile as far as the socket takes it, the rest by the transport.

        Returns whether anything was sent: not if the file is gone, or is not the one that was proven.
        """
        descriptor, size, transport = file.descriptor(), file.size, self._transport
        if descriptor < 0:
            return False
        pushes = self._is_plain and size >= PUSHED and not transport.get_write_buffer_size()
        went = self._pushed(head, descriptor, size) if pushes else 0
        if went == len(head) + size:
            return True
        if went < len(head):
            transport.write(head[went:])
        position = max(0, went - len(head))
        rest = _rest(descriptor, position, size)
        transport.write(rest)
        if len(rest) < size - position:
            transport.abort()  # the file became shorter just now, or the disk fails: nobody may take it for whole
        return True

    def _pushed(self, head: bytes, descriptor: int, size: int) -> int:
        """How many bytes of head and file the socket took; errors of the connection are the transport's to find."""
        went, number = 0, self._number
        # A second object for the transport's own socket, for these calls: a duplicate would cost four more. The plain
        # type of the interpreter, for half of the price.
        out = socket.SocketType(*self._socket, number)
        try:
            # Corked, and not only told that more comes: a fifth less work for whoever receives it over the loopback.
            out.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            went = out.send(head)
            if went == len(head):
                went += os.sendfile(number, descriptor, 0, size)
            out.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        except OSError:
            with suppress(OSError):
                out.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        finally:
            out.detach()
        return went


def _rest(descriptor: int, position: int, size: int) -> bytes:
    try:
        return os.pread(descriptor, size - position, position)
    except OSError:
        return b""


async def send_file(
    transport: asyncio.Transport, head: bytes, descriptor: int, offset: int, count: int, sent: Callable[[int], None]
) -> None:
    """Send `head`, then `count` bytes of the file from `offset`; `sent` is told of each piece of the file that went.

    `possible(transport)` holds, and nobody else writes to it meanwhile.

    Raises:
        OSError: the connection broke, or the disk.
        EOFError: the file became shorter.
    """
    loop = asyncio.get_running_loop()
    own = transport.get_extra_info("socket")
    with socket.socket(fileno=os.dup(own.fileno())) as out:
        await _send_head(loop, out, head)
        sending = _Sending(out.fileno(), descriptor, offset, offset + count, sent)
        while not sending.is_complete:
            if not sending.is_warm():
                await asyncio.to_thread(os.pread, descriptor, PIECE, sending.offset)
                sending.warm = sending.offset + PIECE
            if not sending.step():
                await _each_time_writable(loop, out.fileno(), sending.step)


async def _send_head(loop: asyncio.AbstractEventLoop, out: socket.socket, head: bytes) -> None:
    view = memoryview(head)
    while view:
        try:
            view = view[out.send(view, socket.MSG_MORE) :]
        except BlockingIOError:
            await _each_time_writable(loop, out.fileno(), lambda: True)


async def _each_time_writable(loop: asyncio.AbstractEventLoop, number: int, step: Callable[[], bool]) -> None:
    """Call `step` whenever the socket takes something, until it returns true.

    Registered once and not for each piece: that would be three system calls and a turn of a task more.

    Raises:
        Exception: what `step` raises.
    """
    done = loop.create_future()

    def writable() -> None:
        if done.done():
            return
        try:
            if step():
                done.set_result(None)
        except Exception as error:  # noqa: BLE001 raised where it is waited for
            done.set_exception(error)

    loop.add_writer(number, writable)
    try:
        await done
    finally:
        loop.remove_writer(number)


class _Sending:
    """The part of a file that is on its way."""

    __slots__ = ("_descriptor", "_end", "_out", "_sent", "offset", "warm")

    def __init__(self, out: int, descriptor: int, offset: int, end: int, sent: Callable[[int], None]) -> None:
        self._out = out
        self._descriptor = descriptor
        self._end = end
        self._sent = sent
        self.offset = offset
        """Up to here it has gone."""
        self.warm = offset
        """Up to here it is in the page cache."""

    @property
    def is_complete(self) -> bool:
        return self.offset >= self._end

    def is_warm(self) -> bool:
        """Whether the next piece is in the page cache."""
        if self.offset >= self.warm:
            until = min(self.offset + PIECE, self._end)
            if not _is_warm(self._descriptor, until - 1):
                return False
            self.warm = until
        return True

    def step(self) -> bool:
        """Send what the socket takes of one piece; whether somebody has to look: it is complete, or the disk's turn.

        Raises:
            OSError: the connection broke, or the disk.
            EOFError: the file became shorter.
        """
        if not self.is_warm():
            return True
        try:
            went = os.sendfile(self._out, self._descriptor, self.offset, self.warm - self.offset)
        except BlockingIOError:
            return False
        if not went:
            raise EOFError("the file became shorter while it was sent")
        self.offset += went
        self._sent(went)
        return self.is_complete


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

"""How files leave by one connection without their bytes passing through this process: by sendfile(2), below the
transport.

Belongs here: whether that is possible, and small files, which go at once. Not here: large ones, which take their time
(delivery.py), framing (cycle.py), what is sent (send.py).
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from modgate.serve.delivery import Delivery
from modgate.serve.openfiles import OpenFile

WORTH_IT = 1 << 17
"""Bytes from which sendfile is cheaper than reading and writing: its set-up costs as much as copying 100 KB."""
PUSHED = 1 << 15
"""Bytes from which a small file goes by sendfile: below, reading it is cheaper than two more system calls."""


def possible(transport: asyncio.Transport) -> bool:
    """Whether files can go out below this transport, once nothing is left in it: there is no TLS."""
    return hasattr(os, "sendfile") and transport.get_extra_info("ssl_object") is None


class Line(Protocol):
    """A connection that files leave by, as its responses see it."""

    transport: asyncio.Transport
    written: int
    """Body bytes handed to the transport, or sent below it, since the connection was made."""
    delivery: Delivery | None
    """A file that is being sent below the transport."""

    def outlet(self) -> Outlet:
        """How files leave."""


class Outlet:
    """The way of one connection. What its socket is, is found out once: asking costs 2 µs."""

    __slots__ = ("_is_plain", "_number", "_socket", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        own = transport.get_extra_info("socket")
        self._transport = transport
        self._number: int = own.fileno()
        self._socket = int(own.family), int(own.type), own.proto
        self._is_plain = possible(transport)

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

    def deliver(
        self, head: bytes, descriptor: int, offset: int, count: int, ended: Callable[[Exception | None], None]
    ) -> Delivery:
        """Begin to send `head` and a part of a large file; see Delivery, which closes the descriptor.

        `possible(transport)` holds, nothing is left in it, and nobody else writes to it meanwhile.

        Raises:
            OSError: there is no descriptor left for it; the one of the file is still the caller's.
        """
        delivery = Delivery(
            out=socket.SocketType(*self._socket, os.dup(self._number)),
            head=head,
            descriptor=descriptor,
            offset=offset,
            count=count,
            ended=ended,
        )
        delivery.start()
        return delivery

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

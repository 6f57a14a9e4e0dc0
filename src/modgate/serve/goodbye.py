"""The end of a TLS connection: how long its client may take for the last bytes, and for its own closing words.

Belongs here: what is still on its way, and when nobody waits any more. Not here: who looks (protocol.py). The event
loop has a timer for this, which runs from the moment when a connection is closed, whatever is still to be sent: it
would cut a client that is slow, and is set so long (tls.py) that it never counts.
"""

from __future__ import annotations

import asyncio
import fcntl
import sys
import termios
from contextlib import suppress

GOODBYE_SECONDS = 5.0
"""For the closing words of a client that has got everything; whoever does not answer them loses nothing."""


class Goodbye:
    """What was seen of the end of one connection."""

    __slots__ = ("_left", "_since")

    def __init__(self) -> None:
        self._left = -1
        self._since = 0.0

    def look(self, now: float, transport: asyncio.Transport, patience: float, *, hurry: bool) -> None:
        """Cut a closed connection whose client has had its time at `now`, in monotonic seconds.

        `patience` is how many seconds it may take no byte; `hurry` waits for nobody who has got all.
        """
        if transport.get_extra_info("ssl_object") is None:
            return
        left = unsent(transport)
        if left != self._left:
            self._left, self._since = left, now
        elif now - self._since > (patience if left else 0.0 if hurry else GOODBYE_SECONDS):
            transport.abort()


def unsent(transport: asyncio.Transport) -> int:
    """Bytes that the client has not got yet: in the transport, and in the kernel (tcp(7), SIOCOUTQ)."""
    own, queue = transport.get_extra_info("socket"), b""
    with suppress(OSError, ValueError):  # closed already, or a system that cannot tell
        queue = fcntl.ioctl(own.fileno(), termios.TIOCOUTQ, bytes(4)) if own is not None else b""
    return transport.get_write_buffer_size() + int.from_bytes(queue, sys.byteorder)

"""The sending of a response's body: from memory, from a file, or as it arrives.

Belongs here: the pace of a body, and what is known to have gone out. Not here: status and headers (response.py), framing
(cycle.py).

The first piece of a body is read before the status line is sent, so that a body which cannot be read, or does not pass
its checks, still gets its true status. What fails after that leaves the response unfinished, and the connection is cut.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Protocol

from modgate.errors import GatewayError, Trouble, Unavailable
from modgate.serve.cycle import Send
from modgate.serve.exchange import Exchange, Outcome
from modgate.serve.response import Headers
from modgate.source.base import Reader

PIECE = 256 * 1024
"""Bytes read from a file at once: 1.76 GB/s on one core, twice as much as with 64 KiB; sixteen slow readers cost 4 MB."""


class BodyBroke(Exception):
    """A body failed after its status line had gone out; `__cause__` says why."""


class Openable(Protocol):
    """A body of which a range can be opened; source.base.Body's half that is used here."""

    async def open(self, start: int = 0, stop: int | None = None) -> Reader: ...


class Responder:
    """Sends one response and keeps the exchange's outcome true."""

    def __init__(self, exchange: Exchange, outcome: Outcome, send: Send) -> None:
        self._outcome = outcome
        self._send = send
        self._head_only = exchange.method == "HEAD"

    async def whole(self, status: int, headers: Headers, body: bytes = b"") -> None:
        """A response whose body is in memory, in one write."""
        await self._start(status, headers)
        await self._piece(body, more=False)

    async def pieces(self, status: int, headers: Headers, body: AsyncIterator[bytes]) -> None:
        """A response whose body comes piece by piece.

        Raises:
            GatewayError: the body failed before its first piece, and nothing has been sent.
            BodyBroke: it failed later.
        """
        first = await anext(body, b"")
        await self._start(status, headers)
        await self._piece(first, more=True)
        try:
            async for piece in body:
                # A client that reads as fast as we do would otherwise keep the event loop for itself.
                await asyncio.sleep(0)
                await self._piece(piece, more=True)
        except GatewayError as error:
            raise BodyBroke from error
        await self._piece(b"", more=False)

    async def _start(self, status: int, headers: Headers) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        self._outcome.status = status

    async def _piece(self, data: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})
        if not self._head_only:
            self._outcome.bytes_sent += len(data)


async def from_file(descriptor: int, start: int, stop: int) -> AsyncIterator[bytes]:
    """The bytes of a local file from `start` up to `stop`; closes the descriptor.

    Read without a thread: the kernel reads ahead (that is what the advice is for), and a thread's hand-over costs more
    than most reads (19 µs against 3 µs for a small file).

    Raises:
        Unavailable: the file became shorter, or the disk fails.
    """
    try:
        os.posix_fadvise(descriptor, start, stop - start, os.POSIX_FADV_SEQUENTIAL)
        while start < stop:
            data = os.pread(descriptor, min(PIECE, stop - start), start)
            if not data:
                raise Unavailable(reason="a stored file became shorter while it was sent", trouble=Trouble.OURS)
            start += len(data)
            yield data
    except OSError as error:
        raise Unavailable(reason=f"a stored file cannot be read: {error.strerror}", trouble=Trouble.OURS) from error
    finally:
        os.close(descriptor)


async def from_body(body: Openable, start: int, stop: int | None) -> AsyncIterator[bytes]:
    """The bytes of a body as its reader gives them.

    Raises:
        GatewayError: what the reader raises.
    """
    reader = await body.open(start, stop)
    try:
        while data := await reader.read():
            yield data
    finally:
        reader.close()


async def send_stream(responder: Responder, status: int, headers: Headers, body: AsyncIterator[bytes]) -> None:
    """Send `body` and close it, whatever happens.

    Raises:
        GatewayError, BodyBroke: see Responder.pieces.
    """
    async with aclosing(body) as closing:  # type: ignore[type-var]
        await responder.pieces(status, headers, closing)

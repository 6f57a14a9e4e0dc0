"""The sending of a response's body: from memory, from a file, or as it arrives.

Belongs here: the pace of a body, and what is known to have gone out. Not here: status and headers (response.py),
framing (cycle.py).

The first piece of a body is read before the status line is sent, so that a body which cannot be read, or does not pass
its checks, still gets its true status. What fails after that leaves the response unfinished, and the connection is cut.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from modgate.errors import GatewayError, Trouble, Unavailable
from modgate.serve.cycle import ZERO_COPY, Send
from modgate.serve.exchange import Exchange, Outcome
from modgate.serve.response import Headers
from modgate.serve.zerocopy import WORTH_IT
from modgate.source.base import Growing, Ready, Stored

PIECE = 256 * 1024
"""Bytes read from a file at once. Twice as fast as with 64 KiB; four times as much would save a fifth of the processor
time more, and cost 32 MB instead of 8 for sixteen slow readers."""


BEHIND = 1 << 20
"""Bytes of an arriving file that a client has to be behind with for sendfile: what it costs to begin with it is worth
some pieces."""


class BodyBroke(Exception):
    """A body failed after its status line had gone out; `__cause__` says why."""


class Responder:
    """One request's way out: sends its response, and keeps its outcome true."""

    def __init__(self, exchange: Exchange, send: Send) -> None:
        self.exchange = exchange
        self.outcome = Outcome()
        self._send = send
        self._head_only = exchange.method == "HEAD"

    async def whole(self, status: int, headers: Headers, body: bytes = b"") -> None:
        """A response whose body is in memory, in one write."""
        await self._start(status, headers)
        await self._piece(b"" if self._head_only else body, more=False)

    async def pieces(self, status: int, headers: Headers, body: AsyncGenerator[bytes, None]) -> None:
        """A response whose body comes piece by piece; closes `body`, whatever happens.

        Raises:
            GatewayError: the body failed before its first piece, and nothing has been sent.
            BodyBroke: it failed later.
        """
        async with aclosing(body):
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

    async def file(self, status: int, headers: Headers, body: Stored, start: int, stop: int) -> None:
        """A response whose body is a range of a local file: below the transport where that is possible and pays.

        Raises:
            GatewayError: the file is not there, and nothing has been sent.
            BodyBroke: it failed later.
        """
        descriptor = body.fileno() if stop - start >= WORTH_IT and self.exchange.direct() else None
        if descriptor is None:
            await self.pieces(status, headers, pieces_of(body, start, stop))
            return
        try:
            await self._start(status, headers)
            await self._range(descriptor, start, stop, more=False)
        except (EOFError, OSError) as error:
            raise BodyBroke from error
        finally:
            os.close(descriptor)

    async def growing(self, status: int, headers: Headers, body: Growing, start: int, stop: int | None) -> None:
        """A response whose body is still arriving. What this client is behind with goes as a stored file does: a herd
        takes most of its bytes after they came.

        Raises:
            GatewayError: the body failed before its first piece, and nothing has been sent.
            BodyBroke: it failed later.
        """
        reader, descriptor = await body.open(start, stop), None
        try:
            data = await reader.read()
            await self._start(status, headers)
            while data:
                await self._piece(data, more=True)
                start += len(data)
                until = min(body.released, stop) if stop is not None and self.exchange.direct() else 0
                if until - start >= BEHIND:
                    reader.close()
                    descriptor = body.fileno() if descriptor is None else descriptor
                    await self._range(descriptor, start, until, more=True)
                    start = until
                    reader = await body.open(start, stop)
                else:
                    # A client that reads as fast as we do would otherwise keep the event loop for itself.
                    await asyncio.sleep(0)
                data = await reader.read()
            await self._piece(b"", more=False)
        except (GatewayError, EOFError, OSError) as error:
            if self.outcome.status:
                raise BodyBroke from error
            raise
        finally:
            reader.close()
            if descriptor is not None:
                os.close(descriptor)

    async def _range(self, descriptor: int, start: int, stop: int, *, more: bool) -> None:
        """Send a part of a local file.

        Raises:
            EOFError, OSError: see Delivery.
        """
        message = {"type": ZERO_COPY, "file": descriptor, "offset": start, "count": stop - start, "more_body": more}
        await self._send({**message, "told": self._went})

    async def _start(self, status: int, headers: Headers) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        self.outcome.status = status

    def _went(self, amount: int) -> None:
        self.outcome.bytes_sent += amount

    async def _piece(self, data: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})
        self.outcome.bytes_sent += len(data)


async def pieces_of(body: Ready | Stored, start: int, stop: int | None) -> AsyncGenerator[bytes, None]:
    """The bytes of a body from `start` up to `stop`, by the cheapest way that it offers.

    Raises:
        GatewayError: it is not there, or its transfer broke.
    """
    descriptor = None if isinstance(body, Ready) else body.fileno()
    if descriptor is not None and stop is not None:
        try:
            for piece in _read(descriptor, start, stop):
                yield piece
        finally:
            os.close(descriptor)
        return
    reader = await body.open(start, stop)
    try:
        while data := await reader.read():
            yield data
    finally:
        reader.close()


def _read(descriptor: int, start: int, stop: int) -> Iterator[bytes]:
    """Read a range of a local file.

    Without a thread: the kernel reads ahead (that is what the advice is for), and the hand-over to a thread costs more
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

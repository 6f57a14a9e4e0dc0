"""One request and its response on the ordinary path, as an ASGI application sees them.

Belongs here: the framing of a response on the wire. Not here: when a request's turn comes, and how bytes become
requests (protocol.py).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol
from urllib.parse import unquote

from uvicorn.protocols.http.flow_control import FlowControl

from modgate.serve import zerocopy
from modgate.serve.exchange import Exchange
from modgate.serve.response import head_bytes

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

EXTENSION = "modgate"
"""Where the scope's `extensions` hold the Exchange."""
JOINED = 64 * 1024
"""Bytes: a body up to here goes out in one piece with its head; copying a larger one would cost more than a write."""
ZERO_COPY = "http.response.zerocopysend"
"""The ASGI extension for bodies that go from a descriptor to the socket."""
BODILESS = frozenset({204, 304})


def scope_of(exchange: Exchange, version: str, scheme: str | None) -> Scope:
    """The ASGI scope of a request; its Exchange has what the scope cannot say."""
    path, _, query = exchange.target.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": version,
        "method": exchange.method,
        "scheme": scheme or "http",
        "path": unquote(path.decode("latin-1")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": exchange.headers,
        "extensions": {EXTENSION: exchange},
    }


class Line(zerocopy.Line, Protocol):
    """What a cycle needs of its connection."""

    flow: FlowControl

    def date(self) -> bytes: ...

    def is_last(self, cycle: Cycle) -> bool:
        """Whether the connection ends with this response."""

    def responded(self, cycle: Cycle) -> None:
        """The response is complete."""


class Cycle:
    """Runs an application once and frames what it sends."""

    def __init__(self, line: Line, scope: Scope, exchange: Exchange, *, keep_alive: bool) -> None:
        self.exchange = exchange
        self.keep_alive = keep_alive
        self.disconnected = False
        self.complete = False
        self._line = line
        self._scope = scope
        self._head = b""
        self.started = False
        self._chunked = False
        self._left: int | None = None
        self._received = False
        self._gone = asyncio.Event()

    async def run(self, app: App, failed: Callable[[Exchange, Exception], None]) -> None:
        """Run `app`. A response that it leaves unfinished is cut, so that nobody takes it for a whole one."""
        try:
            await app(self._scope, self._receive, self._send)
        except Exception as error:  # noqa: BLE001 - the last line of defence: nothing that goes wrong here may go unseen
            failed(self.exchange, error)
        finally:
            if not self.complete and not self.disconnected:
                self._line.transport.abort()

    def disconnect(self) -> None:
        """The client has gone."""
        self.disconnected = True
        self._gone.set()

    async def _receive(self) -> Message:
        # Bodies of requests mean nothing on any endpoint; the connection drops them.
        if not self._received:
            self._received = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._line.flow.write_paused and not self.disconnected:
            await self._line.flow.drain()
        if self.disconnected:
            return
        if message["type"] == "http.response.start" and not self.started:
            self._start(message)
        elif message["type"] == "http.response.body" and self.started and not self.complete:
            self._write(message.get("body", b""), more=message.get("more_body", False))
        elif message["type"] == ZERO_COPY and self.started and not self.complete:
            await self._send_file(message["file"], message["offset"], message["count"], message["told"])
            if not message["more_body"] and not self.disconnected:
                self._write(b"", more=False)
        else:
            raise RuntimeError(f"unexpected ASGI message {message['type']}")

    def _start(self, message: Message) -> None:
        self.started = True
        status: int = message["status"]
        headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
        length = next((value for name, value in headers if name.lower() == b"content-length"), None)
        if self._scope["method"] == "HEAD" or status in BODILESS:
            self._left = 0
        elif length is not None:
            self._left = int(length)
        elif self._scope["http_version"] == "1.0":
            self.keep_alive = False  # The end of the connection is the only end of a body that HTTP/1.0 knows.
        else:
            self._chunked = True
            headers.append((b"transfer-encoding", b"chunked"))
        if not self.keep_alive or self._line.is_last(self):
            self.keep_alive = False
            headers.append((b"connection", b"close"))
        headers.append((b"x-request-id", self.exchange.request_id.encode()))
        self._head = head_bytes(status, headers) + self._line.date() + b"\r\n"

    def _write(self, body: bytes, *, more: bool) -> None:
        self._line.written += len(body)
        if self._left is not None:
            if self._scope["method"] == "HEAD":
                body = b""
            if len(body) > self._left:
                raise RuntimeError("the body is longer than its Content-Length")
            self._left -= len(body)
            pieces = [body]
        else:
            pieces = self._framed(body, more=more)
        self._put(pieces)
        if more:
            return
        if self._left:
            raise RuntimeError("the body is shorter than its Content-Length")
        self.complete = True
        self._line.responded(self)

    async def _send_file(self, file: int, offset: int, count: int, told: Callable[[int], None]) -> None:
        """A part of the body from a descriptor, which stays its owner's; `Exchange.direct` told that this is possible.

        `told` is given the number of bytes that went.
        """
        if self._left is None or count > self._left:
            raise RuntimeError("the file is longer than its Content-Length")
        await self._emptied()
        if self.disconnected:
            return
        line, head = self._line, self._head
        self._head = b""
        done: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

        def ended(error: Exception | None) -> None:
            if not done.done():  # its task may have been cancelled just now
                done.set_result(error)

        own = os.dup(file)
        try:
            delivery = line.delivery = line.outlet().deliver(head, own, offset, count, ended)
        except OSError:
            os.close(own)
            raise
        try:
            error = await done
        except asyncio.CancelledError:
            delivery.stop()
            raise
        finally:
            line.delivery = None
            line.written += delivery.went
            told(delivery.went)
        if isinstance(error, ConnectionError):
            self.disconnect()
            line.transport.abort()  # we met the broken connection before the transport did
            return
        if error is not None:
            raise error
        self._left -= count

    async def _emptied(self) -> None:
        """Wait until nothing is left in the transport: what goes below it may not overtake that."""
        transport, flow = self._line.transport, self._line.flow
        if transport.get_write_buffer_size():
            transport.set_write_buffer_limits(0)
            await flow.drain()
            transport.set_write_buffer_limits()

    def _framed(self, body: bytes, *, more: bool) -> list[bytes]:
        if not self._chunked:
            return [body]
        pieces = [b"%x\r\n" % len(body), body, b"\r\n"] if body else []
        return pieces if more else [*pieces, b"0\r\n\r\n"]

    def _put(self, pieces: list[bytes]) -> None:
        head, self._head = self._head, b""
        pieces = [head, *pieces]
        if sum(map(len, pieces)) <= JOINED:
            pieces = [b"".join(pieces)]
        for piece in pieces:
            if piece:
                self._line.transport.write(piece)

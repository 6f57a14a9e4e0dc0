"""How a connection ends before its client ends it: with an error for what cannot be understood or taken, behind the
answers to everything before it.

Belongs here: the last words, and that nothing is heard after them. Not here: what is wrong (protocol.py), how long a
client may take for the end (goodbye.py).
"""

from __future__ import annotations

import asyncio

import httptools

from modgate.serve.cycle import Cycle
from modgate.serve.edge import Edge
from modgate.serve.errors import Failure
from modgate.serve.exchange import Exchange
from modgate.serve.fastpath import FastPath
from modgate.serve.head import OTHER_METHOD
from modgate.serve.response import ALLOWED, Headers, failure, head_bytes


class Ending(FastPath):
    """What of a connection its end looks at."""

    def __init__(self, edge: Edge, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(edge, loop)
        self._receiving: Cycle | None = None  # whose body is not complete yet
        self._farewell = b""

    def date(self) -> bytes:
        """The Date header of a response that goes out now."""
        return self._reporter.clock.date

    def _fault(self, error: httptools.HttpParserError, data: bytes | memoryview) -> tuple[int, str]:
        if isinstance(error, httptools.HttpParserCallbackError) and isinstance(error.__context__, Exception):
            # One of the callbacks above failed: the request was good, and the bug is ours.
            self._edge.log("connection_failed", exc_info=error.__context__)
            return 500, "internal error; the log of the gateway has the details"
        if isinstance(error, httptools.HttpParserInvalidMethodError) and OTHER_METHOD.match(data):
            return 405, "only GET and HEAD are answered here"  # a method that the parser has never heard of
        return 400, "this is no HTTP/1.1 request"

    def _end_malformed(self, status: int, why: str) -> None:
        """Answer those before it, then say why, then close."""
        self._deaf = True
        if self._receiving is not None:
            # Its head was good, so it has its answer; only its body is not to be understood.
            self._end_after(self._receiving)
            return
        request, extra = self._unheard(), [ALLOWED] if status == 405 else None
        self._reporter.malformed(request, status, self._end_with(request, Failure(status, f"refused: {why}\n"), extra))

    def _unheard(self) -> Exchange:
        """What is known of a request that is not understood, or not even waited for."""
        return Exchange(self._edge.next_id(), "", self.url[:256], self._peer, self._began or self._arrived)

    def _end_with(self, request: Exchange, why: Failure, extra: Headers | None = None) -> int:
        """Hear nothing more, and say why, behind what has still to be answered; how many bytes of text that is."""
        self._deaf = True
        headers, body = failure(why, extra=extra)
        headers += [(b"connection", b"close"), (b"x-request-id", request.request_id.encode())]
        self._began = 0.0
        self._farewell = head_bytes(why.status, headers) + self.date() + b"\r\n" + body
        if self._current is None:
            self._part()
        return len(body)

    def _end_after(self, cycle: Cycle) -> None:
        """Hear nothing more; close when `cycle` has been answered."""
        self._deaf = True
        self._began = 0.0
        self._receiving = None
        cycle.keep_alive = False
        if cycle.complete:
            self._part()

    def _hear_no_more(self) -> None:
        """All that the client will ever have sent is parsed: a request that has only begun will not end."""
        self._deaf = True
        self._began = 0.0
        self._receiving = None
        if self._current is None:
            self._part()

    def _part(self) -> None:
        if self._farewell:
            self.transport.write(self._farewell)
        self.transport.close()

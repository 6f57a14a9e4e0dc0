"""Answers from memory, inside the parser's callback: no task, no ASGI dictionaries, no logging call.

Belongs here: which requests may be answered so, and the one write that answers them. Not here: the ready answers
(table.py), who puts them there (keep.py), every other request (protocol.py).

A whole plain request that was answered from memory is remembered with its bytes: the same bytes again, on whatever
connection, need no parser (1.35 instead of 2.6 µs of Python). What is remembered is only what the bytes mean; the
answer is looked up each time.
"""

from __future__ import annotations

import asyncio
import os
from abc import abstractmethod

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from modgate.errors import Unavailable
from modgate.serve.cycle import Cycle
from modgate.serve.delivery import Delivery
from modgate.serve.download import Download
from modgate.serve.edge import Edge
from modgate.serve.head import HOST, LINK, ORDINARY, PACK, WHO, principal
from modgate.serve.table import ANYBODY, Entry
from modgate.serve.zerocopy import Outlet, possible
from modgate.source.base import Stored

SLICE = 1024
"""Bytes parsed at once. The shortest request has 18, so 56 fit in; nearly every request fits in whole."""
NOTHING = memoryview(b"")


class FastPath(HttpToolsProtocol):
    """What of a connection the fast path looks at."""

    def __init__(self, edge: Edge, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(edge.config, edge.state, {}, loop)
        self._edge = edge
        self._reporter = edge.reporter
        self._monotonic = edge.reporter.clock.monotonic
        self._peer = ""
        self._trusted = False
        # The message being received; times are monotonic seconds.
        self.url = b""
        self.headers = []
        self._arrived = 0.0  # its latest bytes
        self._began = 0.0  # its first byte; 0.0 between two messages
        self._marks = 0
        self._plain = False  # it was answered from memory, and nothing in its head made a difference
        self._deaf = False  # what comes after this request is not looked at
        self._outlet: Outlet | None = None  # from the first file on
        # What is under way, and what waits.
        self.written = 0
        self.delivery: Delivery | None = None
        self._current: Cycle | Download | None = None
        self._backlog = NOTHING
        self._idle_since = 0.0

    def _answered(self) -> bool:
        """Answer the request whose head is complete, if that can be done from memory."""
        edge, marks = self._edge, self._marks
        if marks & ORDINARY or self._current is not None or self.flow.write_paused or edge.draining:
            return False
        table = edge.principals.table(principal(self.headers, edge.tenant_header) if marks & WHO else ANYBODY)
        entry = table.find(self.url, self._arrived) if table is not None else None
        if table is None or entry is None or self.parser.get_method() != b"GET":
            return False
        if marks & PACK and entry.packed is not None:
            entry = entry.packed
        # Without a Connection header only HTTP/1.1 is kept alive; with one, HTTP/1.0 may be, and need not.
        last = not self.parser.should_keep_alive() or (marks & LINK and self.parser.get_http_version() == "1.0")
        if last:
            self._deaf = True
            if not self._answer(entry, b"\r\nconnection: close\r\n\r\n"):
                self._deaf = False
                return False
            self.transport.close()
            return True
        self._plain = marks & ~(PACK | WHO) == HOST
        return self._answer(entry)

    def _answered_before(self, data: bytes) -> bool:
        """Answer a request whose bytes, all of them, have been parsed before and were answered from memory."""
        known = self._edge.whole.get(data)
        if known is None or self._began or self._backlog or self._deaf or self._current is not None:
            return False
        edge = self._edge
        if self.flow.write_paused or edge.draining:
            return False
        target, who, packed = known
        table = edge.principals.table(who)
        entry = table.find(target, self._arrived) if table is not None else None
        if entry is None:
            return False
        self._began = self._arrived
        self._marks = HOST
        done = self._answer(entry.packed if packed and entry.packed is not None else entry)
        self._began = 0.0
        return done

    def _remember(self, data: bytes) -> None:
        """`data` was one whole plain request, unless a part of another one is with it."""
        if self._began or self._current is not None or self._backlog or not data.endswith(b"\r\n\r\n"):
            return
        if data.count(b"\r\n\r\n") == 1:
            who = principal(self.headers, self._edge.tenant_header) if self._marks & WHO else ANYBODY
            self._edge.remember(data, self.url, who, packed=bool(self._marks & PACK))

    def _answer(self, entry: Entry, end: bytes = b"\r\n\r\n") -> bool:
        """Send it; False if it is a file that is not there any more as it was, and nothing has been sent."""
        if entry.large is not None:
            return self._download(entry, entry.large)
        edge = self._edge
        number = edge.requests = edge.requests + 1
        whole = b"%b%b%d%b%b" % (entry.head, edge.stamp, number, end, entry.body)
        if entry.file is None:
            self.transport.write(whole)
        elif not self.outlet().send(whole, entry.file):
            return False
        self._idle_since = done = self._monotonic()
        seconds = done - self._began
        tally = entry.tally
        tally.requests.value += 1
        tally.sent.value += entry.length
        tally.seconds.observe(seconds)
        reporter = self._reporter
        if reporter.log.enabled:
            request = f"{edge.request_prefix}{number}"
            reporter.log.add(done + reporter.clock.offset, request, entry.log, seconds, self._client_ip())
        return True

    def _download(self, entry: Entry, file: Stored) -> bool:
        """Begin to send a large file; False if that is not possible, and nothing has been sent."""
        if self._deaf or not possible(self.transport) or self.transport.get_write_buffer_size():
            return False
        try:
            descriptor = file.fileno()
        except Unavailable:
            return False
        if descriptor is None:
            return False
        try:
            self._current = Download(self, self._edge, entry, descriptor, self._began, self._client_ip())
        except OSError:  # no descriptor is left for it: the ordinary path says so
            os.close(descriptor)
            return False
        return True

    def outlet(self) -> Outlet:
        """How files leave."""
        if self._outlet is None:
            self._outlet = Outlet(self.transport)
        return self._outlet

    @abstractmethod
    def responded(self, response: Cycle | Download) -> None:
        """A response that took its time is complete."""

    def _client_ip(self) -> str:
        """Who asks, for the log."""
        return self._peer

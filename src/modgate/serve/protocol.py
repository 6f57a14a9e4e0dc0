"""One client connection: bytes to requests, and requests to responses in their order.

Belongs here: the parser's callbacks, the queue of pipelined requests, and what a connection may cost. Not here: answers
from memory (fastpath.py), last words (ending.py), the framing of other responses (cycle.py), what is answered (app.py),
when connections are looked at (listener.py).

What memory does not answer becomes a Cycle. Responses leave in the order of their requests because the fast path is
taken only while no cycle is in flight.

What a client that sends and never reads can cost: bytes are parsed in slices that hold at most 64 requests; a slice is
parsed only while nothing waits to be answered and the transport's buffer is below its high-water mark; what is not
parsed is at most one read of the transport (256 KiB), after which reading is paused.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.utils import get_remote_addr, is_ssl

from modgate.serve.crowd import who_goes
from modgate.serve.cycle import Cycle, scope_of
from modgate.serve.download import Download
from modgate.serve.edge import Edge
from modgate.serve.ending import Ending
from modgate.serve.errors import Failure
from modgate.serve.exchange import Exchange, Outcome
from modgate.serve.fastpath import NOTHING, SLICE
from modgate.serve.goodbye import Goodbye
from modgate.serve.head import FROM, HOST, ORDINARY, PACK, field, principal, request_id, takes_gzip
from modgate.serve.timers import Progress, Verdict, verdict
from modgate.serve.zerocopy import possible

SLICES_PER_TURN = 16
"""Slices parsed before other connections get their turn: some 300 requests, 3 ms."""
DRAINED = 1024 * 1024
"""Bytes of a request's body that are read and dropped, so that its sender sees the response; after more we hang up."""
SILENT_SECONDS = 2.0
"""A client that sends no more has closed its half of the connection, or is gone: which of the two, only bytes that we
send it can tell. What is stored is on its way by then, and so is what an upstream has given without delay."""
FULL = "unavailable: this gateway has as many busy connections as it can; try again in 1 s.\n"
"""Said to a newcomer where no connection is silent."""
NEWCOMER_SECONDS = 1.0
"""A connection that young may have its first request on the way: a drain waits so long for it."""


class _Unacceptable(Exception):
    """Raised inside a parser callback to stop the parser."""


class Connection(Ending):
    """See the module's docstring. One per TCP connection, made by the listener."""

    def __init__(self, edge: Edge, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(edge, loop)
        # The message being received.
        self._head_bytes = self._body_bytes = 0
        self._refusal: tuple[int, str] | None = None
        # What waits.
        self._task: asyncio.Task[None] | None = None
        self._waiting: deque[Cycle] = deque()
        self._ended = 0.0  # when the client said that it sends no more
        # What the sweep looks at.
        self._made = 0.0
        self._leaving = Progress()
        self._goodbye = Goodbye()

    # The transport's side.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client connected; with TLS, the handshake is over."""
        # What the base class does, but for what nobody here wants to know: it would ask the kernel for our own address.
        self.connections.add(self)
        self.transport, self.flow = transport, FlowControl(transport)
        self.scheme = "https" if is_ssl(transport) else "http"
        self.client = get_remote_addr(transport)
        limits = self._edge.limits
        self._made = self._arrived = self._monotonic()
        # Placed so that a connection without any request is idle for too long when a request's time is over.
        self._idle_since = self._arrived - limits.idle_seconds + limits.request_seconds
        self._peer, self._trusted = self._edge.proxies.peer(self.client[0]) if self.client else ("", False)
        if len(self.connections) > limits.connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, by whoever's wish. What nobody waits for any more is cancelled."""
        self.connections.discard(self)
        self.flow.resume_writing()
        self._backlog = NOTHING
        if self._current is not None:
            self._current.disconnect()
        if self._task is not None:
            self._task.cancel()
        for cycle in self._waiting:
            self._reporter.finish(cycle.exchange, Outcome())
        self._waiting.clear()
        # The parser holds our methods and we hold the parser: without this only the garbage collector ends the circle.
        self.parser = None  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Parse `data` now, or keep it until those before it have been answered."""
        self._arrived = self._monotonic()
        if len(data) <= SLICE and self._answered_before(data):
            return
        if len(data) > SLICE or self._backlog or self.flow.write_paused or (self._current and self._is_blocked()):
            self._backlog = memoryview(bytes(self._backlog) + data) if self._backlog else memoryview(data)
            self._work_off()
        else:
            self._feed(data)

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends no more; what it has asked for it still gets (RFC 9112 §9.6), which TLS does not allow for.

        Returns whether the connection stays open.
        """
        if not self.is_busy or self.transport.get_extra_info("ssl_object") is not None:
            return False
        self._ended = self._monotonic()
        if not self._backlog:
            self._hear_no_more()
        return True

    def shutdown(self) -> None:
        """The listener drains: an idle connection ends now, any other after what it has received is answered."""
        newcomer = self._idle_since < self._made and self._monotonic() - self._made < NEWCOMER_SECONDS
        if not self.is_busy and not self._began and not newcomer:
            self.transport.close()

    @property
    def is_busy(self) -> bool:
        """A response is being made, or received bytes wait for their turn."""
        return self._current is not None or bool(self._backlog)

    @property
    def has_asked(self) -> bool:
        """Whether anything that its client asked for has been answered."""
        return self._idle_since >= self._made

    @property
    def silent_since(self) -> float:
        """When its client last said something, in monotonic seconds."""
        return self._arrived

    def _make_room(self) -> None:
        """There are too many: the silent ones go, and if nobody is silent, we do."""
        going = who_goes([one for one in self.connections if isinstance(one, Connection) and one is not self])
        for one in going:
            # Now, and not when the transport has closed: others that come at the same moment count too.
            self.connections.discard(one)
            one.transport.abort()
        self._reporter.shed.value += len(going) or 1
        if not going:
            request = self._unheard()
            size = self._end_with(request, Failure(503, FULL, retry_after=1))
            self._reporter.finish(request, Outcome(status=503, bytes_sent=size))

    def check(self, now: float) -> None:
        """Called by the listener's sweep about every second."""
        limits = self._edge.limits
        buffered = self.transport.get_write_buffer_size() + (self.delivery.left if self.delivery is not None else 0)
        if self._leaving.is_stalled(now, self.written, buffered, limits.stall_seconds) or self._is_gone(now):
            self.transport.abort()
        if self.transport.is_closing():
            self._goodbye.look(now, self.transport, limits.stall_seconds, hurry=self._edge.draining)
            return
        due = verdict(
            silence=now - self._idle_since,
            began=now - self._began if self._began and not self._backlog else 0.0,
            busy=self.is_busy,
            idle_seconds=0.0 if self._edge.draining else limits.idle_seconds,
            request_seconds=limits.request_seconds,
        )
        if due is Verdict.TOO_SLOW:
            self._end_malformed(408, f"the request was not complete within {limits.request_seconds:g} s")
        elif due is Verdict.IDLE:
            self.transport.close()

    def _is_gone(self, now: float) -> bool:
        """Whether the client has to be taken for gone: it sends no more, and nothing comes to send to it."""
        current = self._current
        if not self._ended or current is None or current.started:
            return False
        return now - max(self._ended, self._idle_since) > SILENT_SECONDS

    def resume_writing(self) -> None:
        """The transport's buffer is below its low-water mark."""
        super().resume_writing()
        if self._backlog:
            self._work_off()

    # The parser's side.

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self.url = b""
        self.headers = []
        self._began = 0.0 if self._deaf else self._arrived
        self._marks = 0
        self._plain = False
        self._head_bytes = self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        """A piece of the request target."""
        self.url += url
        if len(self.url) > self._edge.limits.target_bytes:
            self._refuse(414, f"the request target is longer than {self._edge.limits.target_bytes} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A whole header line."""
        name = name.lower()
        self.headers.append((name, value))
        mark = self._edge.marks.get(name)
        if mark is not None:
            if mark & self._marks & HOST:
                self._refuse(400, "more than one Host header")
            if mark != PACK or takes_gzip(value):
                self._marks |= mark

    def on_headers_complete(self) -> None:
        """The end of a head: answer from memory, or begin a cycle."""
        if self._deaf:
            return
        if len(self.headers) > self._edge.limits.headers:
            self._refuse(431, f"more than {self._edge.limits.headers} headers")
        if not self._marks & HOST and self.parser.get_http_version() == "1.1":
            self._refuse(400, "no Host header, which HTTP/1.1 wants (RFC 9112 §3.2)")
        if not self._answered():
            self._begin_cycle()

    def on_body(self, body: bytes) -> None:
        """A piece of a request's body, which means nothing on any endpoint."""
        self._body_bytes += len(body)
        cycle = self._receiving
        if cycle is not None and self._body_bytes > DRAINED:
            self._end_after(cycle)

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        self._began = 0.0
        cycle, self._receiving = self._receiving, None
        if cycle is not None and cycle.complete and not cycle.keep_alive:
            self._part()

    # The ordinary path.

    def _begin_cycle(self) -> None:
        encoding = field(self.headers, b"transfer-encoding")
        if encoding and encoding.lower() != b"chunked":
            self._refuse(400, "a transfer encoding that is not chunked")
        version = self.parser.get_http_version()
        # A client that waits for `100 Continue` gets its final status instead; whether a body follows is then open.
        keep_alive = (
            version != "1.0"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and not field(self.headers, b"expect")
        )
        exchange = self._exchange()
        cycle = Cycle(self, scope_of(exchange, version, self.scheme), exchange, keep_alive=keep_alive)
        self._receiving = cycle
        self._deaf = not keep_alive
        if self._current is None:
            self._start(cycle)
        else:
            self._waiting.append(cycle)

    def _exchange(self) -> Exchange:
        method = self.parser.get_method()
        return Exchange(
            request_id=(self._trusted and request_id(self.headers)) or self._edge.next_id(),
            method=method.decode("ascii"),
            target=self.url,
            client_ip=self._client_ip(),
            began=self._began,
            headers=self.headers,
            principal=principal(self.headers, self._edge.tenant_header),
            plain=method == b"GET" and not self._marks & ORDINARY,
            direct=partial(possible, self.transport),
        )

    def _client_ip(self) -> str:
        if not self._trusted or not self._marks & FROM:
            return self._peer
        headers = self.headers
        return self._edge.proxies.client(self._peer, field(headers, b"x-forwarded-for"), field(headers, b"x-real-ip"))

    def _start(self, cycle: Cycle) -> None:
        self._current = cycle
        edge = self._edge
        self._task = self.loop.create_task(cycle.run(edge.app, edge.failed))
        self._task.add_done_callback(edge.tasks.discard)
        edge.tasks.add(self._task)

    def is_last(self, response: Cycle | Download) -> bool:
        """While draining, or when the client sends no more, the connection ends with the response behind which nothing
        has been received."""
        another = self._began and self._receiving is None
        return bool(self._edge.draining or self._ended) and not (self._waiting or self._backlog or another)

    def responded(self, response: Cycle | Download) -> None:
        """A response that took its time is complete: the next one's turn, or the end of the connection."""
        self._task = None
        self._current = None
        if self.transport.is_closing():
            return
        self._idle_since = self._monotonic()
        if not response.keep_alive or self.is_last(response):
            response.keep_alive = False
            # While the body of the request is still coming, closing would reset the connection under the response.
            if self._receiving is not response:
                self._part()
        elif self._waiting:
            self._start(self._waiting.popleft())
        elif self._farewell:
            self._part()
        elif self._backlog:
            self._work_off()

    # Bytes that wait, and the end.

    def _is_blocked(self) -> bool:
        current = self._current
        if current is not None and (self._waiting or self._receiving is not current):
            return True
        return self.flow.write_paused

    def _work_off(self) -> None:
        """Parse what was kept back, as far as answers get away; read on when nothing is left of it."""
        self._arrived = self._monotonic()
        if self._began:
            self._began = self._arrived  # The rest of this request waited here, not at its client.
        for _ in range(SLICES_PER_TURN):
            if not self._backlog or self._is_blocked() or self.transport.is_closing():
                break
            piece, self._backlog = self._backlog[:SLICE], self._backlog[SLICE:]
            self._feed(piece)
        if self.transport.is_closing():
            return
        if not self._backlog:
            if self._ended:
                self._hear_no_more()
            else:
                self.flow.resume_reading()
            return
        self.flow.pause_reading()
        if not self._is_blocked():
            self.loop.call_soon(self._work_off)

    def _feed(self, data: bytes | memoryview) -> None:
        if self._deaf and self._receiving is None:
            return
        alone = not self._began and self._current is None
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._receiving = None  # Another protocol was asked for and is not spoken: answered as if it was not.
        except httptools.HttpParserError as error:
            self._end_malformed(*(self._refusal or self._fault(error, data)))
            return
        if alone and self._plain and isinstance(data, bytes):
            self._remember(data)
        if self._began and self._receiving is None and not self._deaf:
            self._head_bytes += len(data)
            if self._head_bytes > self._edge.limits.head_bytes:
                self._end_malformed(431, f"request line and headers exceed {self._edge.limits.head_bytes} bytes")

    def _refuse(self, status: int, why: str) -> None:
        """Stop the parser, from inside one of its callbacks."""
        self._refusal = (status, why)
        raise _Unacceptable

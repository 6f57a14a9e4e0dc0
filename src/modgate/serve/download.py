"""A large file that the table answers with: a response that takes its time, and needs no task.

Belongs here: what such a response is to its connection, and how it is accounted for. Not here: its way out
(delivery.py), every other response that takes its time (cycle.py).
"""

from __future__ import annotations

from typing import Protocol

from modgate.observe.access_log import cut
from modgate.serve import zerocopy
from modgate.serve.edge import Edge
from modgate.serve.table import Entry


class Line(zerocopy.Line, Protocol):
    """What a download needs of its connection."""

    def responded(self, response: Download) -> None:
        """The response is complete."""


class Download:
    """One response. Made when its request has been read; the connection's current one until it ends."""

    __slots__ = ("_began", "_client", "_delivery", "_edge", "_entry", "_line", "_number", "keep_alive")
    started = True

    def __init__(self, line: Line, edge: Edge, entry: Entry, descriptor: int, began: float, client: str) -> None:
        """`descriptor` has the file of `entry`, and is closed at the end; `began` is in monotonic seconds, `client` the
        address for the log.

        Raises:
            OSError: there is no descriptor left for it; the one of the file is still the caller's.
        """
        self.keep_alive = True  # others take the ordinary path
        self._line = line
        self._edge = edge
        self._entry = entry
        self._began = began
        self._client = client
        self._number = edge.requests = edge.requests + 1
        head = b"%b%b%d\r\n\r\n" % (entry.head, edge.stamp, self._number)
        self._delivery = line.delivery = line.outlet().deliver(head, descriptor, 0, entry.length, self._ended)

    def disconnect(self) -> None:
        """The client has gone."""
        if self._line.delivery is self._delivery:
            self._delivery.stop()
            self._account()

    def _ended(self, error: Exception | None) -> None:
        self._account()
        if error is None:
            self._line.responded(self)
            return
        if not isinstance(error, ConnectionError):
            self._edge.log("response_cut", request_id=f"{self._edge.request_prefix}{self._number}", why=str(error))
        # Left unfinished, the response is cut, and the client knows that it has not got all of it.
        self._line.transport.abort()

    def _account(self) -> None:
        entry, went, reporter = self._entry, self._delivery.went, self._edge.reporter
        self._line.delivery = None
        self._line.written += went
        done = reporter.clock.monotonic()
        seconds = done - self._began
        entry.tally.requests.value += 1
        entry.tally.sent.value += went
        entry.tally.seconds.observe(seconds)
        if reporter.log.enabled:
            log = entry.log if went == entry.length else cut(entry.log, went)
            request = f"{self._edge.request_prefix}{self._number}"
            reporter.log.add(done + reporter.clock.offset, request, log, seconds, self._client)

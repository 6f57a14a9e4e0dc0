"""Requests at a fixed rate, whatever the answers do: an open loop.

Each request has its time, worked out before. Its latency counts from that time, so that a server which stands still for
a moment is charged with everybody who came meanwhile, and not only with those who had a connection at hand. What waits
for a connection waits in our queue, on the server's account.

Belongs here: that loop, in this process's one thread: some 30 µs for each request. Not here: as many requests as
possible (wrk.py).
"""

from __future__ import annotations

import gc
import select
import socket
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.errors import Broken
from benchmarks.processes import LOOPBACK, connected

CONNECTIONS = 32
"""Enough for 5,000 requests a second of 6 ms each."""
EARLY = 0.0001
"""Seconds before a request's time at which we stop sleeping and look at the clock: the kernel wakes us 60 µs late."""
LAST_CHUNK = b"0\r\n\r\n"
"""The end of a body whose length was not told before (RFC 9112 §7.1)."""
PATIENCE = 10.0
"""Seconds after the last request for the last answer."""


@dataclass(slots=True)
class Latencies:
    """What came out."""

    milliseconds: list[float] = field(default_factory=list)
    """One for each answer, in the order of the answers."""
    statuses: Counter[int] = field(default_factory=Counter)
    """How often which; 0: no answer."""
    seconds: float = 0.0
    """From the first request to the last answer."""

    def percentile(self, share: float) -> float:
        """Milliseconds within which such a share of all was answered."""
        ordered = sorted(self.milliseconds)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.milliseconds) / self.seconds if self.seconds else 0.0


@dataclass(slots=True)
class _Line:
    """One connection, and the answer that is coming over it."""

    socket: socket.socket
    due: float = 0.0
    got: bytes = b""

    def is_complete(self) -> bool:
        """Whether all of an answer has come. One that is longer than a few reads has no place here."""
        head, ends, body = self.got.partition(b"\r\n\r\n")
        if not ends:
            return False
        _, told, length = head.lower().partition(b"\r\ncontent-length:")
        return len(body) >= int(length.partition(b"\r\n")[0]) if told else body.endswith(LAST_CHUNK)


class _Loop:
    """The state of one run."""

    def __init__(self, lines: Sequence[socket.socket], requests: Sequence[bytes], schedule: Sequence[float]) -> None:
        self.out = Latencies()
        self._free = deque(_Line(line) for line in lines)
        self._busy: dict[int, _Line] = {}
        self._requests = requests
        self._schedule = schedule
        self._next = 0

    def run(self) -> None:
        """Send everything in time, and wait for what is due."""
        began, count = time.perf_counter(), len(self._schedule)
        until = began + self._schedule[-1] + PATIENCE
        while self._next < count or self._busy:
            now = time.perf_counter()
            if now > until:
                break
            if self._free and self._next < count and now - began >= self._schedule[self._next]:
                self._send(began)
                continue
            wakes = began + self._schedule[self._next] if self._next < count and self._free else until
            self._receive(max(wakes - now - EARLY, 0.0))
        self.out.seconds = time.perf_counter() - began
        self.out.statuses[0] += len(self._busy) + count - self._next
        if not self.out.statuses[0]:
            del self.out.statuses[0]

    def _send(self, began: float) -> None:
        line = self._free.popleft()
        line.due, line.got = began + self._schedule[self._next], b""
        line.socket.sendall(self._requests[self._next % len(self._requests)])
        self._busy[line.socket.fileno()] = line
        self._next += 1

    def _receive(self, wait: float) -> None:
        # select, because epoll counts in milliseconds.
        for number in select.select(list(self._busy), [], [], wait)[0]:
            line = self._busy[number]
            data = line.socket.recv(65536)
            if not data:
                raise Broken("a connection was closed between two requests")
            line.got += data
            if line.is_complete():
                self.out.milliseconds.append((time.perf_counter() - line.due) * 1e3)
                self.out.statuses[int(line.got[9:12])] += 1
                del self._busy[number]
                self._free.append(line)


def run(port: int, targets: Sequence[str], *, rate: float, seconds: float, connections: int = CONNECTIONS) -> Latencies:
    """Ask for `targets` in turn, `rate` times a second; bodies have to be small.

    Raises:
        Broken: a connection was closed.
    """
    requests = [f"GET {target} HTTP/1.1\r\nHost: {LOOPBACK}\r\n\r\n".encode() for target in targets]
    schedule = [number / rate for number in range(max(int(rate * seconds), 1))]
    with ExitStack() as stack:
        lines = [stack.enter_context(connected(port, PATIENCE)) for _ in range(connections)]
        for line in lines:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop = _Loop(lines, requests, schedule)
        gc.disable()  # a collection would be charged to the server
        try:
            loop.run()
        finally:
            gc.enable()
    return loop.out

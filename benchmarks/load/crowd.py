"""A crowd: some clients that all ask for one file at the same moment, each over a connection of its own.

Belongs here: when each got its first byte and its last one, and clients that read slowly. Not here: clients that ask
again and again (wrk.py), or at times of their own (steady.py).
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks.errors import Broken
from benchmarks.processes import LOOPBACK, connected

PATIENCE = 120.0
"""Seconds for all of them; the largest crowd takes some on a machine that does nothing else."""
PIECE = 256 * 1024
"""Bytes read at once."""
LAST_CHUNK = b"\r\n0\r\n\r\n"
"""The end of a body whose length was not told before (RFC 9112 §7.1)."""
SMALL_WINDOW = 16 * 1024
"""Bytes that a slow reader's socket takes before it is read."""


@dataclass(slots=True)
class Client:
    """One of them, and how far it is."""

    line: socket.socket
    asked: float
    head: bytes = b""
    status: int = 0
    length: int = -1
    """Bytes of the whole body; -1: it comes in chunks, or until the connection ends."""
    tail: bytes = b""
    """The last bytes that came."""
    received: int = 0
    first_byte: float = 0.0
    """Seconds from the request to the body's first byte."""
    seconds: float = 0.0
    """To its last one."""

    def take(self, data: memoryview) -> bool:
        """What came; True if that was the end of it."""
        if not data:
            return True
        now = time.perf_counter() - self.asked
        if not self.status:
            self.head += data
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return False
            self._understand(self.head[:end])
            data = memoryview(self.head)[end + 4 :]
        if data and not self.received:
            self.first_byte = now
        self.received += len(data)
        self.seconds = now
        self.tail = (self.tail + bytes(data[-len(LAST_CHUNK) :]))[-len(LAST_CHUNK) :]
        return self.received >= self.length if self.length >= 0 else self.tail == LAST_CHUNK

    def _understand(self, head: bytes) -> None:
        self.status = int(head[9:12])
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                self.length = int(line.partition(b":")[2])


def download(port: int, *targets: str) -> list[Client]:
    """What each client got: one for each target, which may be the same many times.

    Raises:
        Broken: somebody got something else than a whole 200.
    """
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        lines = [stack.enter_context(connected(port, PATIENCE)) for _ in targets]
        crowd = []
        for line, target in zip(lines, targets, strict=True):
            crowd.append(Client(line, time.perf_counter()))
            line.sendall(_request(target))
            line.setblocking(False)
            selector.register(line, selectors.EVENT_READ, crowd[-1])
        _read_all(selector, len(targets))
    for client, target in zip(crowd, targets, strict=True):
        if client.status != 200 or 0 <= client.length != client.received:
            raise Broken(f"GET {target}: {client.status}, {client.received} of {client.length} bytes")
    return crowd


def _request(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: {LOOPBACK}\r\n\r\n".encode()


def _read_all(selector: selectors.BaseSelector, waiting: int) -> None:
    buffer, until = memoryview(bytearray(PIECE)), time.monotonic() + PATIENCE
    while waiting:
        ready = selector.select(max(until - time.monotonic(), 0.0))
        if not ready:
            raise Broken(f"{waiting} downloads have not ended after {PATIENCE:.0f} s")
        for key, _ in ready:
            line, client = key.fileobj, key.data
            assert isinstance(line, socket.socket) and isinstance(client, Client)
            if client.take(buffer[: line.recv_into(buffer)]):
                selector.unregister(line)
                waiting -= 1


@contextmanager
def slow_readers(port: int, target: str, clients: int) -> Iterator[Slow]:
    """Clients that take their answer by drops, until the end of the block."""
    with ExitStack() as stack:
        lines = []
        for _ in range(clients):
            line = stack.enter_context(socket.socket())
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_WINDOW)
            line.settimeout(PATIENCE)
            line.connect((LOOPBACK, port))
            line.sendall(_request(target))
            lines.append(line)
        yield Slow(lines)


@dataclass(frozen=True, slots=True)
class Slow:
    """Connections that are read as slowly as somebody likes."""

    lines: list[socket.socket]

    def sip(self) -> None:
        """Each takes a little.

        Raises:
            Broken: a server gave up.
        """
        for line in self.lines:
            if not line.recv(SMALL_WINDOW):
                raise Broken("a slow download was cut off")

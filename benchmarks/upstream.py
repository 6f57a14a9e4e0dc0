"""The upstream of a run: `python -m benchmarks.upstream PORT FOLDER LATENCY`, a process of its own.

It hands out the files of a folder from memory, each after a latency, and counts. It has to be cheap, because it shares
a core with the load: what is asked for is one look into a dictionary.

How far away it is, how broad the way to it, and whether it works at all can be told while it runs.

Belongs here: that process, and what others know of it (`Upstream`). Not here: what it serves (project.py).
"""

from __future__ import annotations

import asyncio
import http.client
import json
import mmap
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import cast
from urllib.parse import unquote_to_bytes

import httptools
import uvloop

LOOPBACK = "127.0.0.1"
COUNTS, FORGET, BEHAVE = b"/-/counts", b"/-/forget", b"/-/behave/"
"""What only this program asks: no module path begins so."""
LARGE = 50_000_000
"""Bytes."""
STEP = 0.002
"""Seconds between two pieces of a body that is held back to a bandwidth; the event loop's clock has milliseconds."""


class Fault(StrEnum):
    """What is wrong with it."""

    NOTHING = "nothing"
    ERROR = "503"
    """It answers 503 at once."""
    HANG = "hang"
    """It takes requests and never answers those."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How it answers."""

    latency: float
    """Seconds before each answer."""
    bandwidth: int = 0
    """Bytes a second of each answer's body; 0: as fast as it goes."""
    fault: Fault = Fault.NOTHING


@dataclass(frozen=True, slots=True)
class Counts:
    """What was asked since the last time that it was forgotten."""

    requests: int
    zips: int
    body_bytes: int


class Upstream:
    """A running upstream, as the rest of a run sees it."""

    def __init__(self, port: int) -> None:
        self.url = f"http://{LOOPBACK}:{port}"
        self.port = port

    @staticmethod
    def command(port: int, folder: Path, latency: float) -> list[str]:
        """How it is started; `latency` is in seconds."""
        return [sys.executable, "-m", "benchmarks.upstream", str(port), str(folder), str(latency)]

    def counts(self) -> Counts:
        """What was asked."""
        said = json.loads(self._ask(COUNTS))
        return Counts(said.get("requests", 0), said.get("zip", 0), said.get("bytes", 0))

    def forget(self) -> None:
        """Count from 0 again."""
        self._ask(FORGET)

    def behave(self, behaviour: Behaviour) -> None:
        """From now on answer like this."""
        how = f"{behaviour.latency}/{behaviour.bandwidth}/{behaviour.fault}"
        self._ask(BEHAVE + how.encode())

    def _ask(self, target: bytes) -> bytes:
        line = http.client.HTTPConnection(LOOPBACK, self.port, timeout=10)
        try:
            line.request("GET", target.decode())
            return line.getresponse().read()
        finally:
            line.close()


@dataclass(slots=True)
class State:
    """What all connections share."""

    files: Mapping[bytes, bytes | mmap.mmap]
    behaviour: Behaviour
    counter: Counter[str] = field(default_factory=Counter)

    def told(self, target: bytes) -> bytes | None:
        """What one of the program's own targets is answered; None for any other."""
        if target == COUNTS:
            return json.dumps(self.counter).encode()
        if target == FORGET:
            self.counter.clear()
            return b""
        if target.startswith(BEHAVE):
            latency, bandwidth, fault = target.removeprefix(BEHAVE).decode().split("/")
            self.behaviour = Behaviour(float(latency), int(bandwidth), Fault(fault))
            return b""
        return None


class Line(asyncio.Protocol):
    """One connection. Clients of an upstream wait for an answer before they ask again: nothing is pipelined."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._target = b""
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._target = b""

    def on_url(self, url: bytes) -> None:
        """A piece of its target."""
        self._target += url

    def on_message_complete(self) -> None:
        """Answer it, later."""
        said = self._state.told(self._target)
        if said is not None:
            self._send(b"200 OK", said)
            return
        behaviour = self._state.behaviour
        if behaviour.fault is not Fault.HANG:
            loop = asyncio.get_running_loop()
            loop.call_later(behaviour.latency, self._answer, unquote_to_bytes(self._target), behaviour)

    def _answer(self, target: bytes, behaviour: Behaviour) -> None:
        body, counter = self._state.files.get(target), self._state.counter
        counter["requests"] += 1
        counter[target.rpartition(b".")[2].decode("ascii", "replace")] += 1
        if behaviour.fault is Fault.ERROR:
            self._send(b"503 Service Unavailable", b"out of order\n")
        elif body is None:
            self._send(b"404 Not Found", b"not found: unknown to this upstream\n")
        else:
            counter["bytes"] += len(body)
            self._send(b"200 OK", body, behaviour.bandwidth)

    def _send(self, status: bytes, body: bytes | mmap.mmap, bandwidth: int = 0) -> None:
        if self._transport is None:
            return
        head = b"HTTP/1.1 %b\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
        if bandwidth:
            self._transport.write(head)
            self._trickle(memoryview(body), 0, asyncio.get_running_loop().time(), bandwidth)
        elif isinstance(body, bytes):
            self._transport.write(head + body)
        else:
            self._transport.writelines([head, memoryview(body)])

    def _trickle(self, body: memoryview, sent: int, began: float, bandwidth: int) -> None:
        """Send what is due by now; by the clock, so that late steps make it no slower."""
        if self._transport is None:
            return
        loop = asyncio.get_running_loop()
        due = min(len(body), int((loop.time() - began + STEP) * bandwidth))
        self._transport.write(body[sent:due])
        if due < len(body):
            loop.call_later(STEP, self._trickle, body, due, began, bandwidth)


def _body(path: Path) -> bytes | mmap.mmap:
    """A file in memory; of a large one, what the kernel has of it, for some runs hand out a gigabyte."""
    if path.stat().st_size < LARGE:
        return path.read_bytes()
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


async def serve(port: int, folder: Path, latency: float) -> None:
    """Serve until the process is ended."""
    files = {b"/" + str(path.relative_to(folder)).encode(): _body(path) for path in folder.rglob("*") if path.is_file()}
    state = State(files, Behaviour(latency))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Line(state), LOOPBACK, port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])))

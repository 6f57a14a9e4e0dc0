"""The upstream of a run: `python -m benchmarks.upstream PORT FOLDER LATENCY`, a process of its own.

It hands out the files of a folder from memory, each after a latency, and counts. It has to be cheap, because it shares
a core with the load: what is asked for is one look into a dictionary.

Belongs here: that process, and what others know of it (`Upstream`). Not here: what it serves (project.py). Bandwidth
and faults come in here, as more of what `Line` does before it writes.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import unquote_to_bytes

import httptools
import uvloop

LOOPBACK = "127.0.0.1"
COUNTS, FORGET = b"/-/counts", b"/-/forget"
"""What only this program asks: no module path begins so."""


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
        self._port = port

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

    def _ask(self, target: bytes) -> bytes:
        line = http.client.HTTPConnection(LOOPBACK, self._port, timeout=10)
        try:
            line.request("GET", target.decode())
            return line.getresponse().read()
        finally:
            line.close()


class Line(asyncio.Protocol):
    """One connection. Clients of an upstream wait for an answer before they ask again: nothing is pipelined."""

    def __init__(self, files: Mapping[bytes, bytes], latency: float, counter: Counter[str]) -> None:
        self._files = files
        self._latency = latency
        self._counter = counter
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
        target = self._target
        if target == COUNTS:
            self._send(b"200 OK", json.dumps(self._counter).encode())
        elif target == FORGET:
            self._counter.clear()
            self._send(b"200 OK", b"")
        else:
            asyncio.get_running_loop().call_later(self._latency, self._answer, unquote_to_bytes(target))

    def _answer(self, target: bytes) -> None:
        body = self._files.get(target)
        self._counter["requests"] += 1
        self._counter[target.rpartition(b".")[2].decode("ascii", "replace")] += 1
        if body is None:
            self._send(b"404 Not Found", b"not found: unknown to this upstream\n")
            return
        self._counter["bytes"] += len(body)
        self._send(b"200 OK", body)

    def _send(self, status: bytes, body: bytes) -> None:
        if self._transport is not None:
            head = b"HTTP/1.1 %b\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
            self._transport.write(head + body)


async def serve(port: int, folder: Path, latency: float) -> None:
    """Serve until the process is ended."""
    files = {
        b"/" + str(path.relative_to(folder)).encode(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    counter: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Line(files, latency, counter), LOOPBACK, port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])))

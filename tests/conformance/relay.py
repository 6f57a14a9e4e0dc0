"""The relays of a run: the adapter in front of the proxy under test, and the tap behind it.

Belongs here: passing requests on unchanged and counting them. Not here: where each one goes (suite.py).
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO

from tests.conformance.processes import LOOPBACK

BROKEN = 599
"""Counted as the status of an answer that was cut off or never came."""

BACKEND_SECONDS = 300.0
"""For one exchange with the proxy under test or the upstream."""

HOP_BY_HOP = frozenset(("connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"))

KINDS = (
    ("sumdb/supported", r"/sumdb/.+/supported"),
    ("sumdb/lookup", r"(/sumdb/.+)?/lookup/.+"),
    ("sumdb/tile", r"(/sumdb/.+)?/tile/\d.*"),
    ("sumdb/latest", r"(/sumdb/.+)?/latest"),
    ("@latest", r"/.+/@latest"),
    ("list", r"/.+/@v/list"),
    ("info", r"/.+/@v/.+\.info"),
    ("mod", r"/.+/@v/.+\.mod"),
    ("zip", r"/.+/@v/.+\.zip"),
)


@dataclass(frozen=True)
class Hop:
    """Where one request goes. `label` names the count that it falls into."""

    label: str
    port: int
    path: str


def kind_of(path: str) -> str:
    """The kind of a request in the module proxy protocol, by its path below the mount point."""
    path = path.partition("?")[0]
    return next((name for name, pattern in KINDS if re.fullmatch(pattern, path)), "other")


class Relay(ThreadingHTTPServer):
    """An HTTP/1.1 relay on a free port that counts requests by label, kind and status."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, name: str, route: Callable[[str], Hop], log: IO[str]) -> None:
        self.name, self.route, self.log = name, route, log
        self.counts: Counter[tuple[str, str, int]] = Counter()
        self.paths: set[tuple[str, str, str]] = set()
        self._lock = threading.Lock()
        super().__init__((LOOPBACK, 0), _RelayHandler)
        self.port: int = self.server_address[1]

    def server_bind(self) -> None:
        """Bind without HTTPServer's look-up of the host's name."""
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: the client went away."""

    def record(self, hop: Hop, below_mount: str, status: int, seconds: float) -> None:
        """Count one exchange, and write its line."""
        kind = kind_of(below_mount)
        line = f"{time.time():.3f} {self.name} {hop.label} {status} {seconds * 1000:.0f}ms {below_mount}"
        with self._lock:
            self.counts[hop.label, kind, status] += 1
            self.paths.add((hop.label, kind, below_mount))
            print(line, file=self.log)

    @contextlib.contextmanager
    def serving(self) -> Iterator[Relay]:
        """Serve until the end of the block."""
        threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True).start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()

    def total(self, label: str) -> int:
        """All requests of a label."""
        return sum(count for (found, _, _), count in self.counts.items() if found == label)

    def table(self, label: str) -> list[str]:
        """One line per kind: total, different paths, statuses."""
        lines = []
        for kind in sorted({kind for found, kind, _ in self.counts if found == label}):
            statuses = {key[2]: count for key, count in sorted(self.counts.items()) if key[:2] == (label, kind)}
            distinct = sum(path[:2] == (label, kind) for path in self.paths)
            shown = "  ".join(f"{'broken' if s == BROKEN else s}:{count}" for s, count in statuses.items())
            lines.append(f"  {kind:16}{sum(statuses.values()):7}{distinct:8} different   {shown}")
        return lines


class _RelayHandler(BaseHTTPRequestHandler):
    server: Relay
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self._backends: dict[int, http.client.HTTPConnection] = {}

    def finish(self) -> None:
        super().finish()
        for backend in self._backends.values():
            backend.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that the base class gives it
        pass

    def _exchange(self, hop: Hop) -> tuple[http.client.HTTPResponse, bytes]:
        """One request to the backend; a kept-alive connection that it has closed is replaced, as Go does."""
        while True:
            reused = hop.port in self._backends
            fresh = http.client.HTTPConnection(LOOPBACK, hop.port, timeout=BACKEND_SECONDS)
            backend = self._backends.setdefault(hop.port, fresh)
            try:
                self._pass_on(backend, hop.path)
                response = backend.getresponse()
                body = response.read()
            except (http.client.HTTPException, OSError) as error:
                self._backends.pop(hop.port).close()
                if not (reused and isinstance(error, ConnectionError)):
                    raise
            else:
                if response.will_close:
                    self._backends.pop(hop.port).close()
                return response, body

    def _pass_on(self, backend: http.client.HTTPConnection, path: str) -> None:
        backend.putrequest(self.command, path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in HOP_BY_HOP:
                backend.putheader(name, value)
        backend.endheaders()

    def do_GET(self) -> None:
        began = time.monotonic()
        hop = self.server.route(self.path)
        below_mount = self.path.removeprefix("/mod")
        try:
            response, body = self._exchange(hop)
        except (http.client.HTTPException, OSError) as error:
            self.server.record(hop, below_mount, BROKEN, time.monotonic() - began)
            explain = f"conformance {self.server.name}: no usable answer from {hop.label}: {error!r}"
            self.send_error(502, explain=explain)
            return
        self.server.record(hop, below_mount, response.status, time.monotonic() - began)
        self._pass_back(response, body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _pass_back(self, response: http.client.HTTPResponse, body: bytes) -> None:
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in HOP_BY_HOP and (name.lower() != "content-length" or self.command == "HEAD"):
                self.send_header(name, value)
        if self.command != "HEAD" and response.status not in {204, 304}:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

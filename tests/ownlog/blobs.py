"""A store of blobs on the loopback address: what is PUT at a path is handed out there, and it fails as it is told.

Belongs here: the HTTP of such a store, with and without the conditions of RFC 9110 §13. Not here: what is kept in it.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from tests.world.faults import LOGIN_PAGE


class Tags(StrEnum):
    """Which ETags it gives."""

    HELD = "conditions hold"
    """Strong ones, and a PUT whose condition does not hold is refused."""
    IGNORED = "conditions are ignored"
    WEAK = "weak tags"
    """Which no If-Match is equal to."""
    NONE = "no tags"


class Trouble(StrEnum):
    """What is wrong with it."""

    NOTHING = "nothing"
    HANGS = "it hangs"
    FAILS = "it answers 500"
    REFUSES = "it answers 412 to every PUT"
    LOSES = "it answers 200 to a PUT and keeps nothing"
    FORGETS_ANSWER = "it keeps what is PUT and answers 500"
    LOGIN = "it answers with a page of HTML"
    HUGE = "it answers without end"
    MOVED = "it sends elsewhere with 307"
    UNCONDITIONAL = "it answers 501 to a condition"


@dataclass
class Blobs:
    """The store, for as long as it is entered."""

    tags: Tags = Tags.HELD
    trouble: Trouble = Trouble.NOTHING
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Methods and targets."""
    authorizations: set[str] = field(default_factory=set)

    def __enter__(self) -> Self:
        self._open, self._lock = threading.Event(), threading.Lock()
        blobs = self

        class Handler(BaseHTTPRequestHandler):
            """One request."""

            def do_GET(self) -> None:
                blobs._answer(self)

            def do_PUT(self) -> None:
                blobs._answer(self)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def url(self, path: str = "/head", user: str = "") -> str:
        """Of a place in it."""
        return f"http://{user}{'@' if user else ''}127.0.0.1:{self.port}{path}"

    def tag(self, path: str) -> str:
        """The ETag of what is there; "" if there is none."""
        if path not in self.files or self.tags is Tags.NONE:
            return ""
        strong = f'"{hashlib.sha256(self.files[path]).hexdigest()[:16]}"'
        return f"W/{strong}" if self.tags is Tags.WEAK else strong

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", "0")))
        with self._lock:
            self.asked.append((request.command, request.path))
            self.authorizations.add(request.headers.get("Authorization", ""))
            trouble = self.trouble
            path = request.path.partition("?")[0]
            if trouble is Trouble.NOTHING or path == "/elsewhere":
                status, answer = self._put(request, path, body) if request.command == "PUT" else self._get(path)
            else:
                status, answer = self._fail(trouble, request, path, body)
            headers = {"ETag": self.tag(path)} if status in {200, 201} and self.tag(path) else {}
        if trouble is Trouble.HANGS:
            self._open.wait()
        if status == 307:
            headers["Location"] = "/elsewhere"
        request.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(answer))}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(answer)

    def _get(self, path: str) -> tuple[int, bytes]:
        return (200, self.files[path]) if path in self.files else (404, b"not there\n")

    def _put(self, request: BaseHTTPRequestHandler, path: str, body: bytes) -> tuple[int, bytes]:
        match, none_match = request.headers.get("If-Match"), request.headers.get("If-None-Match")
        if self.tags in {Tags.HELD, Tags.WEAK}:
            strong = "" if self.tags is Tags.WEAK else self.tag(path)
            if (match is not None and match != strong) or (none_match == "*" and path in self.files):
                return 412, b"changed meanwhile\n"
        self.files[path] = body
        return 200, b""

    def _fail(self, trouble: Trouble, request: BaseHTTPRequestHandler, path: str, body: bytes) -> tuple[int, bytes]:
        puts = request.command == "PUT"
        match trouble:
            case Trouble.LOGIN:
                return 200, LOGIN_PAGE
            case Trouble.HUGE if not puts:
                return 200, b"x" * 1_000_000
            case Trouble.MOVED:
                return 307, b""
            case Trouble.FAILS:
                return 500, b"trouble\n"
            case Trouble.REFUSES if puts:
                return 412, b"changed meanwhile, it says\n"
            case Trouble.LOSES if puts:
                return 200, b""
            case Trouble.FORGETS_ANSWER if puts:
                self.files[path] = body
                return 500, b"trouble\n"
            case Trouble.UNCONDITIONAL if puts and (
                "If-Match" in request.headers or "If-None-Match" in request.headers
            ):
                return 501, b"not implemented\n"
        return self._put(request, path, body) if puts else self._get(path)

"""A git host on the loopback address: repositories by smart HTTP, go-import pages, and the misbehaviours of both.

Belongs here: serving. Not here: names and addresses, which the tests make up (addresses.py of net/ lets them).
"""

from __future__ import annotations

import os
import ssl
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit


@dataclass
class Reply:
    """What is answered to a path instead of what is right."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Host:
    """Serves the bare repositories below `place` as `http://127.0.0.1:port/name`."""

    def __init__(self, place: Path, tls: ssl.SSLContext | None = None) -> None:
        self.place = place
        self.replies: dict[str, Reply] = {}
        """By the beginning of a path with its query; the longest one counts."""
        self.wants = ""
        """The Authorization header without which it answers 401."""
        self.requests: list[str] = []
        self.authorizations: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None
        """Called before each answer, while whoever has asked waits for it."""
        self.sent = 0
        """Bytes of the bodies of all answers."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        if tls is not None:
            # Each connection shakes hands in its own thread, when it is first read.
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def page(self, path: str, *tags: str, status: int = 200) -> None:
        """A page with go-import tags of these contents at `path`, such as `/corp.example/m`."""
        metas = "".join(f'<meta name="go-import" content="{tag}">\n' for tag in tags)
        body = f"<!DOCTYPE html><html><head>\n{metas}</head><body>hello</body></html>".encode()
        self.replies[f"{path}?go-get=1"] = Reply(status, {"Content-Type": "text/html"}, body)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def reply(self, target: str) -> Reply | None:
        fitting = [start for start in self.replies if target.startswith(start)]
        return self.replies[max(fitting, key=len)] if fitting else None


def _handler(host: Host) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self._chunked() if self.headers.get("Transfer-Encoding") == "chunked" else self.rfile.read(length)
            host.requests.append(self.path)
            host.authorizations.append(self.headers.get("Authorization", ""))
            host.meanwhile()
            reply = host.reply(self.path)
            if reply is None and host.wants and self.headers.get("Authorization") != host.wants:
                reply = Reply(401, {"WWW-Authenticate": 'Basic realm="git"'})
            self._send(reply or _backend(host.place, self, body))

        def _chunked(self) -> bytes:
            data = bytearray()
            while size := int(self.rfile.readline().strip(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return bytes(data)

        def _send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            host.sent += len(reply.body)
            self.wfile.write(reply.body)

    return Handler


def _backend(place: Path, request: BaseHTTPRequestHandler, body: bytes) -> Reply:
    """What `git http-backend` says (git-http-backend(1))."""
    parts = urlsplit(request.path)
    environ = {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_PROJECT_ROOT": str(place),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "PATH_INFO": parts.path,
        "QUERY_STRING": parts.query,
        "REQUEST_METHOD": request.command,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "REMOTE_ADDR": "127.0.0.1",
    }
    done = subprocess.run(["git", "http-backend"], env=environ, input=body, capture_output=True, check=False)
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
    status = int(headers.pop("Status", "200").split()[0])
    return Reply(status, headers, content)

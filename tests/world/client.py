"""A client that sends exactly what it is told and hides nothing of what comes back.

Belongs here: requests, raw bytes, many clients at once, clients that are slow or rude. Not here: the go command
(gocommand.py), what the answers should be.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from tests.world.delivery import PATIENCE

PIECE = 64 * 1024


@dataclass(frozen=True)
class Response:
    """One answer."""

    status: int
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes
    cut: bool = False
    """The connection ended before the body did."""

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def cache(self) -> str:
        """What X-Cache says; "" where it is missing."""
        return self.headers.get("x-cache", "")

    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One connection to a server; requests go out as they are given, without a look at them."""

    def __init__(self, url: str, *, timeout: float = PATIENCE, authority: ssl.SSLContext | None = None) -> None:
        """`timeout` in seconds is for each step; `authority` says whom to trust where `url` is https."""
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self.host = parts.netloc
        self._base = parts.path.rstrip("/")
        plain = socket.create_connection((parts.hostname, parts.port), timeout)
        self.socket = plain if authority is None else authority.wrap_socket(plain, server_hostname=parts.hostname)

    def sends(self, data: bytes) -> None:
        """Put bytes on the wire."""
        self.socket.sendall(data)

    def asks(self, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None) -> None:
        """Send a request for `path` below the URL; it is not waited for."""
        lines = [f"{method} {self._base}/{path} HTTP/1.1", f"Host: {self.host}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.sends(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def answer(self, *, method: str = "GET") -> Response:
        """Read the next answer whole."""
        with http.client.HTTPResponse(self.socket, method=method) as response:
            response.begin()
            return _whole(response)

    def begins(self) -> http.client.HTTPResponse:
        """Read the head of the next answer; its body is left to be read with `read(count)`."""
        response = http.client.HTTPResponse(self.socket)
        response.begin()
        return response

    def reads(self, count: int) -> bytes:
        """The next `count` raw bytes; fewer where the connection ends."""
        data = b""
        while len(data) < count and (piece := self.socket.recv(count - len(data))):
            data += piece
        return data

    def rest(self) -> bytes:
        """All raw bytes until the connection ends, in whatever way."""
        data = b""
        try:
            while piece := self.socket.recv(PIECE):
                data += piece
        except ConnectionResetError:
            pass
        return data

    def resets(self) -> None:
        """Go away as a killed client does: with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def get(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    timeout: float = PATIENCE,
    authority: ssl.SSLContext | None = None,
) -> Response:
    """Ask once, on a connection of its own. The target goes out as it stands in `url`, and no redirect is followed."""
    with Connection(url, timeout=timeout, authority=authority) as connection:
        target = url.partition("://")[2].partition("/")[2]
        lines = [f"{method} /{target} HTTP/1.1", f"Host: {connection.host}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        connection.sends(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        return connection.answer(method=method)


def _whole(response: http.client.HTTPResponse) -> Response:
    headers = {name.lower(): value for name, value in response.getheaders()}
    try:
        body, cut = response.read(), False
    except http.client.IncompleteRead as error:
        body, cut = error.partial, True
    except ConnectionResetError:
        body, cut = b"", True
    return Response(response.status, headers, body, cut)


def at_once(count: int, ask: Callable[[int], Response]) -> list[Response]:
    """Let `count` clients ask at the same moment; each is told its number."""
    started = threading.Barrier(count)
    answers: list[Response | BaseException] = [RuntimeError("never asked")] * count

    def one(number: int) -> None:
        started.wait(PATIENCE)
        try:
            answers[number] = ask(number)
        except BaseException as error:  # noqa: BLE001  # raised again in the test's own thread
            answers[number] = error

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if isinstance(answer, Response)]

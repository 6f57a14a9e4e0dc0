"""How the parent and a worker talk: JSON lines over a socket pair, after the settings.

The parent says {"do": "report", "number": n}, {"do": "reload"}, {"do": "stop"}, {"do": "cut"}, and the orders of
drill_control.py.
A worker says {"is": "ready"}, {"is": "failed", "field": …, "problem": …, "remedy": …}, {"is": "report", "number": n,
"samples": …, "checks": …, "upstreams": …}, {"is": "state", "event": …, "fields": …} (states.py).

The end of the line is a message too: a worker whose parent is gone drains and ends.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import socket
from collections.abc import AsyncIterator
from typing import Any

from modgate.settings.loaded import Loaded

MOST = 16 << 20
"""Bytes of one message: a report has some 50 KiB."""
LENGTH = 8
"""Bytes of the number before the settings."""


class Channel:
    """One end of the line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket) -> Channel:
        """On a connected socket, which belongs to the channel from here on."""
        end.setblocking(False)
        return cls(*await asyncio.open_unix_connection(sock=end, limit=MOST))

    def send(self, message: dict[str, Any]) -> None:
        """Say something; nobody waits for its arrival, and one whose other end is gone is heard of by `messages`."""
        if not self._writer.is_closing():
            self._writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    def send_settings(self, loaded: Loaded) -> None:
        """The first thing that a worker is told. Through the line and not in its arguments: there are secrets in it."""
        data = pickle.dumps(loaded)
        self._writer.write(len(data).to_bytes(LENGTH) + data)

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        """What the other end says, until it is gone."""
        try:
            while line := await self._reader.readline():
                yield json.loads(line)
        except (ConnectionError, ValueError):
            return

    def close(self) -> None:
        self._writer.close()


def receive_settings(end: socket.socket) -> Loaded:
    """The worker's side of `send_settings`, before it has an event loop.

    Raises:
        EOFError: the parent is gone already.
    """
    loaded = pickle.loads(_exactly(end, int.from_bytes(_exactly(end, LENGTH))))  # noqa: S301 from our own parent
    assert isinstance(loaded, Loaded)
    return loaded


def _exactly(end: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = end.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data

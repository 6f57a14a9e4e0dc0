"""Requests and deliveries on a stream: as much HTTP/1.1 as a server that misbehaves on purpose needs.

Belongs here: reading a request's head, writing a delivery the way it says. Not here: what is delivered and why.
"""

from __future__ import annotations

import asyncio
import http
import socket
import struct

from tests.world.delivery import Delivery, Framing, Request

HEAD_BYTES = 64 * 1024
"""Of a request's line and headers; asyncio's own limit for a line."""
PIECE = 16 * 1024
"""Bytes written at once, or sent in a chunk."""


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection; None where the client has closed it."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers)


async def deliver(writer: asyncio.StreamWriter, request: Request, given: Delivery) -> bool:
    """Send `given`; says whether the connection may go on."""
    if given.before is not None:
        await given.before.passed()
    if given.delay:
        await asyncio.sleep(given.delay)
    if given.raw is not None:
        writer.write(given.raw)
        await writer.drain()
        return False
    if given.cut_after == -1:
        return _hang_up(writer, given)
    writer.write(_head(given))
    if given.endless_header:
        await _endless_line(writer)
    await writer.drain()
    if request.method == "HEAD" or given.status in {204, 304}:
        return True
    sent = await _send_body(writer, given)
    if sent < len(given.body) or given.cut_after is not None:
        return _hang_up(writer, given)
    if given.framing is Framing.CHUNKED:
        writer.write(b"0\r\n\r\n")
    await writer.drain()
    closes = given.framing is Framing.CLOSE or given.headers.get("Connection") == "close"
    return not closes and request.headers.get("connection", "").lower() != "close"


def _head(given: Delivery) -> bytes:
    try:
        reason = http.HTTPStatus(given.status).phrase
    except ValueError:
        reason = "Unheard Of"
    headers = dict(given.headers)
    if given.framing is Framing.CHUNKED:
        headers["Transfer-Encoding"] = "chunked"
    elif given.framing is Framing.LENGTH and given.status not in {204, 304}:
        headers["Content-Length"] = str(given.size)
    lines = [f"HTTP/1.1 {given.status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
    end = "" if given.endless_header else "\r\n"
    return ("\r\n".join(lines) + "\r\n" + end).encode("latin-1")


async def _endless_line(writer: asyncio.StreamWriter) -> None:
    writer.write(b"X-Endless: ")
    while True:  # until the client has had enough and closes
        writer.write(b"a" * PIECE)
        await writer.drain()
        await asyncio.sleep(0)


async def _send_body(writer: asyncio.StreamWriter, given: Delivery) -> int:
    """Send the body up to where it is cut; returns how many of its bytes went out."""
    end = len(given.body) if given.cut_after is None else min(given.cut_after, len(given.body))
    sent = 0
    while sent < end:
        if given.pause is not None and sent == given.pause[0]:
            await given.pause[1].passed()
        stop = min(end, sent + PIECE)
        if given.pause is not None and sent < given.pause[0]:
            stop = min(stop, given.pause[0])
        if given.bytes_per_second:
            # Ten pieces a second look even enough to a client.
            stop = min(stop, sent + max(1, given.bytes_per_second // 10))
            await asyncio.sleep((stop - sent) / given.bytes_per_second)
        _write_piece(writer, given.body[sent:stop], given.framing)
        await writer.drain()
        sent = stop
    return sent


def _write_piece(writer: asyncio.StreamWriter, piece: bytes, framing: Framing) -> None:
    if framing is Framing.CHUNKED:
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
    else:
        writer.write(piece)


def _hang_up(writer: asyncio.StreamWriter, given: Delivery) -> bool:
    """End the connection: with a reset where the delivery says so, else after what was written has gone out."""
    if given.reset:
        connection = writer.get_extra_info("socket")
        # Without lingering the kernel sends RST and forgets what was not read yet.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    return False

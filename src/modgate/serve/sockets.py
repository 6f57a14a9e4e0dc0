"""Listening sockets: from HOST:PORT to bound ones, and back to text.

Belongs here: what has to be known of addresses. Not here: who is accepted (listener.py). Few imports: the parent of
several workers binds before anything else.
"""

from __future__ import annotations

import errno
import socket
from typing import Any

from modgate.errors import SetupError

BACKLOG = 1024
"""Connections that the kernel accepts for us while we are busy; the kernel caps it at its own limit."""


def split_address(address: str, field: str) -> tuple[str, int]:
    """`HOST:PORT` as its parts; IPv6 in brackets, an empty host is every address of this machine.

    Raises:
        SetupError: it is something else; `field` is the setting that it stands in.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise SetupError(field, f"{address!r} is no HOST:PORT", "give for example 127.0.0.1:8080, or port 0 for any")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise SetupError(field, f"{address!r} is ambiguous", f"put the IPv6 address in brackets: [{host}]:{port}")
    return host, int(port)


def bind(address: str, *, field: str, reuse_port: bool = False) -> list[socket.socket]:
    """Bind every address that `address` names, with one port for all; nothing is accepted yet.

    Raises:
        SetupError: the address is not ours or taken.
    """
    host, port = split_address(address, field)
    bound: list[socket.socket] = []
    try:
        for family, where in _resolve(host, port, field):
            place = (where[0], bound[0].getsockname()[1] if bound else where[1], *where[2:])
            bound.append(_bound(family, place, reuse_port=reuse_port))
    except OSError as error:
        for other in bound:
            other.close()
        if error.errno == errno.EADDRINUSE:
            remedy = "stop the program that listens there, or choose another port (0 takes any free one)"
            raise SetupError(field, f"{address} is in use", remedy) from None
        remedy = "give an address of this machine, and a port that this user may listen on"
        raise SetupError(field, f"{address}: {error.strerror or error}", remedy) from None
    return bound


def _resolve(host: str, port: int, field: str) -> list[tuple[int, tuple[Any, ...]]]:
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise SetupError(field, f"{host!r} has no address: {error}", "give an address of this machine") from None
    return list(dict.fromkeys((family.value, where) for family, _, _, _, where in found if host or _exists(family)))


def _exists(family: int) -> bool:
    """Whether this machine speaks it: containers often have no IPv6, and "every address" then means IPv4's."""
    try:
        socket.socket(family, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True


def _bound(family: int, where: tuple[Any, ...], *, reuse_port: bool) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(where)
        # Here and not first when serving begins: SO_REUSEADDR lets a bind succeed that a listen then refuses.
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    bound.setblocking(False)
    return bound


def spelled(where: tuple[str, int]) -> str:
    """An address of a socket as HOST:PORT."""
    host, port = where[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

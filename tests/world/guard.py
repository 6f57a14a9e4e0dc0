"""Keeps tests away from the network and from this machine's settings.

Belongs here: what is refused and what is removed. Not here: which tests are free of it (tests/conftest.py).
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any

import pytest

LOCAL_NAMES = frozenset({"localhost", "", None})


class NetworkRefused(Exception):
    """A test that is not marked `real` wanted to leave this machine. No OSError, which code under test might expect."""


def is_local(address: Any) -> bool:
    """Whether a socket address stays on this machine."""
    if not isinstance(address, tuple):
        return True  # the path of a Unix socket
    return is_local_host(address[0])


def is_local_host(host: Any) -> bool:
    """Whether a host's name or address is that of this machine."""
    if isinstance(host, bytes):
        host = host.decode()
    if host in LOCAL_NAMES:
        return True
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return False
    return found.is_loopback or found.is_unspecified


def refuse_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sockets of this process connect to this machine only, and resolve no other names."""

    def guarded(name: str) -> Callable[..., Any]:
        original: Callable[..., Any] = getattr(socket.socket, name)

        def connect(self: socket.socket, address: Any) -> Any:
            if not is_local(address):
                raise NetworkRefused(f"a test connects to {address}; mark it `real` if it has to")
            return original(self, address)

        return connect

    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
        if not is_local_host(host):
            raise NetworkRefused(f"a test looks up {host!r}; mark it `real` if it has to")
        return resolve(host, *arguments, **named)

    monkeypatch.setattr(socket.socket, "connect", guarded("connect"))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded("connect_ex"))
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def is_of_this_machine(variable: str) -> bool:
    """Whether an environment variable would let this machine's settings into a test."""
    return variable.startswith(("GO", "MODGATE_", "XDG_")) or variable.lower().endswith("_proxy")


def scrub_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the variables that go, modgate and HTTP clients take settings from."""
    for variable in filter(is_of_this_machine, list(os.environ)):
        monkeypatch.delenv(variable)


def without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` without the variables that go, modgate and HTTP clients take settings from."""
    return {name: value for name, value in environ.items() if not is_of_this_machine(name)}

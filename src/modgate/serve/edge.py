"""What all connections of one listener share.

Belongs here: the limits of the wire, and the handful of things that the hot path touches, in one place. Not here: what
happens on a connection (protocol.py).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from modgate.serve.cycle import App
from modgate.serve.exchange import Exchange, Reporter
from modgate.serve.head import MARKS, WHO
from modgate.serve.proxies import TrustedProxies
from modgate.serve.table import Principal, Principals
from modgate.serve.target import LONGEST_TARGET

REMEMBERED = 4096
"""Requests: 1 MB as go commands write them, and at most 5 MB. More of them in use are parsed again now and then."""

Log = Callable[..., Any]
"""`log(event, **fields)`, as structlog's `error`."""


@dataclass(frozen=True, slots=True)
class WireLimits:
    """What one connection may cost, in bytes and in seconds."""

    target_bytes: int = LONGEST_TARGET
    head_bytes: int = 32 * 1024
    """Request line and headers together; read in slices of SLICE, so that one more slice may have been parsed."""
    headers: int = 100
    """Header lines of one request. Browsers behind three proxies send forty."""
    request_seconds: float = 10.0
    """From a connection, or a request's first byte, to the end of the request."""
    idle_seconds: float = 75.0
    """Between two requests. Above the 60 s of common balancers, so that they close first."""
    stall_seconds: float = 60.0
    """A client that takes no byte of its response for so long is cut."""
    connections: int = sys.maxsize
    """At once; beyond, silent ones make room for newcomers (crowd.py)."""


class Edge:
    """Made once per listener, by the gateway."""

    def __init__(
        self,
        *,
        app: App,
        principals: Principals,
        reporter: Reporter,
        proxies: TrustedProxies,
        request_prefix: str,
        log: Log,
        limits: WireLimits | None = None,
        tenant_header: str = "",
    ) -> None:
        """`request_prefix` begins every request id of this process and no other's; `log` is told of our own bugs."""
        self.app = app
        self.principals = principals
        self.reporter = reporter
        self.proxies = proxies
        self.request_prefix = request_prefix
        self.limits = limits or WireLimits()
        self.log = log
        self.tenant_header = tenant_header.lower().encode()
        self.marks: Mapping[bytes, int] = {**MARKS, self.tenant_header: WHO} if tenant_header else MARKS
        self.requests = 0
        """Requests so far: the second half of the next request id."""
        self.whole: dict[bytes, tuple[bytes, Principal, bool]] = {}
        """What whole plain requests mean, by their bytes: the target, who asks, and whether gzip is taken."""
        self.draining = False
        self.tasks: set[asyncio.Task[None]] = set()
        """Requests being answered on the ordinary path; each is cancelled by its connection when the client goes."""
        # What uvicorn's protocol class wants to be told. It starts no server and configures no logging here.
        self.config = Config(
            app, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False, proxy_headers=False
        )
        self.config.load()
        self.state = ServerState()
        self.tick()

    def tick(self) -> None:
        """Spell what changes once a second."""
        self.reporter.clock.tick()
        self.stamp = self.reporter.clock.date + f"x-request-id: {self.request_prefix}".encode()
        """The end of a ready head, but for the request's number."""

    def next_id(self) -> str:
        """A request id that this process has not given before."""
        self.requests += 1
        return f"{self.request_prefix}{self.requests}"

    def remember(self, request: bytes, target: bytes, principal: Principal, *, packed: bool) -> None:
        """A whole plain request, at most one slice long, was answered from memory."""
        if len(self.whole) >= REMEMBERED:
            self.whole.clear()
        self.whole[request] = target, principal, packed

    def failed(self, exchange: Exchange, error: Exception) -> None:
        """A response could not even be turned into an error."""
        self.log("request_failed", request_id=exchange.request_id, exc_info=error)

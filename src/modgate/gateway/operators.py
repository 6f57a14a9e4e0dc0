"""Where operators ask: the admin port, of one process or of a team."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial

from modgate import __version__
from modgate.gateway.edges import edge
from modgate.gateway.ownlog import checksum_pages
from modgate.gateway.telling import Telling
from modgate.observe.access_log import AccessLog
from modgate.observe.metrics import Metrics
from modgate.serve.admin import AdminPort
from modgate.serve.clock import Clock
from modgate.serve.exchange import Reporter
from modgate.serve.health import Check
from modgate.serve.health import Health as HealthPages
from modgate.serve.listener import Listener
from modgate.serve.table import Principals, Table
from modgate.serve.upstreams import UPSTREAMS, upstreams_page
from modgate.settings.loaded import Loaded


def admin_port(
    stack: AsyncExitStack,
    loaded: Loaded,
    sockets: Sequence[socket.socket],
    *,
    checks: Callable[[], Sequence[Check]],
    scrape: Callable[[], tuple[bytes, str]],
    prepare: Callable[[], Awaitable[None]],
    upstreams: Callable[[], Awaitable[object]],
    telling: Telling,
) -> Listener:
    """Nothing is accepted yet; `prepare` is awaited before each answer that `checks`, `scrape` or `upstreams` gives."""
    settings = loaded.settings
    page = AdminPort(
        health=HealthPages(checks, __version__),
        scrape=scrape,
        prepare=prepare,
        log=telling.log.error,
        base_path=settings.base_path,
        apis={**checksum_pages(stack, loaded), UPSTREAMS: partial(upstreams_page, upstreams)},
    )
    # Its requests are neither counted nor logged, and nothing of it is kept.
    reporter = Reporter(Metrics(), AccessLog("off"), Clock())
    listener = Listener(sockets, edge(settings, page, Principals(Table([0], 0)), reporter, telling))
    stack.callback(listener.abort)
    return listener

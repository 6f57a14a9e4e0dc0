"""Where go commands ask: the data port, and what its requests share."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial

from modgate import __version__
from modgate.checksum.databases import Databases
from modgate.gateway import values
from modgate.gateway.edges import edge
from modgate.gateway.telling import Telling
from modgate.observe import families
from modgate.observe.access_log import AccessLog
from modgate.serve.app import DataPort
from modgate.serve.clock import Clock
from modgate.serve.exchange import Reporter
from modgate.serve.health import Check
from modgate.serve.health import Health as HealthPages
from modgate.serve.keep import Keeper
from modgate.serve.listener import Listener
from modgate.serve.openfiles import OpenFiles
from modgate.serve.table import Principals, Table
from modgate.serve.target import parse_target
from modgate.serve.tls import Certificate
from modgate.settings.loaded import Loaded
from modgate.settings.routing import DEFAULT_VIEW
from modgate.source.base import Source
from modgate.storage.store import Store


def data_port(
    stack: AsyncExitStack,
    loaded: Loaded,
    sockets: Sequence[socket.socket],
    *,
    views: Mapping[str, Source],
    sums: Databases,
    checks: Callable[[], Sequence[Check]],
    store: Store,
    telling: Telling,
    access_log: AccessLog,
    certificate: Certificate | None,
) -> Listener:
    """Where go commands ask; nothing is accepted yet."""
    settings, metrics = loaded.settings, telling.metrics
    reporter = Reporter(metrics, access_log, Clock())
    table = Table(store.generations.values, settings.limits.memory_cache)
    metrics.read(families.MEMORY_BYTES, lambda: table.size)
    metrics.read(families.MEMORY_ENTRIES, lambda: len(table))
    metrics.read(families.LOST_LINES, lambda: access_log.dropped)
    principals, files = Principals(table), OpenFiles()
    stack.callback(files.close)
    forwards = {route.forward_token for route in loaded.meaning.routes() if route.forward_token}
    app = DataPort(
        views=views,
        databases=sums,
        keeper=Keeper(principals, reporter, files),
        reporter=reporter,
        health=HealthPages(checks, __version__),
        metrics=metrics,
        log=telling.log.error,
        via=values.pseudonym(store.identity),
        answer_seconds=settings.deadlines.request,
        parse=partial(
            parse_target, base=settings.base_path, longest=settings.limits.url, views=frozenset(views) - {DEFAULT_VIEW}
        ),
        forwards=forwards,
    )
    listener = Listener(
        sockets, edge(settings, app, principals, reporter, telling), certificate.context if certificate else None
    )
    stack.callback(listener.abort)
    metrics.read(families.CONNECTIONS, lambda: listener.connections)
    return listener

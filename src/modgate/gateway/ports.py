"""Where go commands ask: the data port, and what its requests share."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

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
from modgate.serve.table import Principals, Table
from modgate.serve.tls import Certificate
from modgate.settings.load import Loaded
from modgate.source.base import Source
from modgate.storage.store import Store


def data_port(
    stack: AsyncExitStack,
    loaded: Loaded,
    sockets: Sequence[socket.socket],
    *,
    source: Source,
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
    principals = Principals(table)
    app = DataPort(
        source=source,
        databases=sums,
        keeper=Keeper(principals, reporter),
        reporter=reporter,
        health=HealthPages(checks, __version__),
        metrics=metrics,
        log=telling.log.error,
        via=values.pseudonym(store.identity),
        base_path=settings.base_path,
        answer_seconds=settings.deadlines.request,
        longest_target=settings.limits.url,
    )
    listener = Listener(
        sockets, edge(settings, app, principals, reporter, telling), certificate.context if certificate else None
    )
    stack.callback(listener.abort)
    metrics.read(families.CONNECTIONS, lambda: listener.connections)
    return listener

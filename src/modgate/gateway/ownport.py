"""The port that our own checksum database has for itself, if the settings give it one."""

from __future__ import annotations

from contextlib import AsyncExitStack

from modgate.checksum.databases import Databases
from modgate.gateway import values
from modgate.gateway.edges import edge
from modgate.gateway.telling import Telling
from modgate.observe.access_log import AccessLog
from modgate.serve.app import DataPort
from modgate.serve.clock import Clock
from modgate.serve.exchange import Reporter
from modgate.serve.health import Health
from modgate.serve.keep import Keeper
from modgate.serve.listener import Listener
from modgate.serve.openfiles import OpenFiles
from modgate.serve.owntarget import at_the_root_of
from modgate.serve.sockets import bind
from modgate.serve.table import Principals, Table
from modgate.serve.tls import Certificate
from modgate.settings.loaded import Loaded
from modgate.source.chain import Off
from modgate.storage.store import Store

SHARE = 16
"""Of the memory for ready answers this port gets one part in so many: 50,000 lookups of the default."""


def own_port(
    stack: AsyncExitStack,
    loaded: Loaded,
    *,
    sums: Databases,
    health: Health,
    store: Store,
    telling: Telling,
    access_log: AccessLog,
    certificate: Certificate | None,
) -> Listener | None:
    """Nothing is accepted yet; None where the settings give it no port. Each of several workers binds the port for
    itself: the kernel spreads clients over them.

    Raises:
        SetupError: the address is not ours or taken.
    """
    settings, address = loaded.settings, loaded.meaning.own_listen
    if address is None:
        return None
    sockets = bind(str(address), field="own_database.listen", reuse_port=settings.workers != 1)
    reporter = Reporter(telling.metrics, access_log, Clock())
    files = OpenFiles()
    stack.callback(files.close)
    principals = Principals(Table(store.generations.values, settings.limits.memory_cache // SHARE))
    app = DataPort(
        views={"": Off()},
        databases=sums,
        keeper=Keeper(principals, reporter, files),
        reporter=reporter,
        health=health,
        metrics=telling.metrics,
        log=telling.log.error,
        via=values.pseudonym(store.identity),
        answer_seconds=settings.deadlines.request,
        parse=at_the_root_of(settings.own_database.name, settings.limits.url),
    )
    tls = certificate.context if certificate else None
    listener = Listener(sockets, edge(settings, app, principals, reporter, telling), tls)
    stack.callback(listener.abort)
    return listener

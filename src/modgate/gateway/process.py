"""One serving process: parts and data port, opened and closed in their order."""

from __future__ import annotations

import socket
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modgate import __version__
from modgate.cache.evidence import UNCHECKED
from modgate.checksum.owncheck import as_recorded
from modgate.errors import SetupError
from modgate.gateway.directly import directly
from modgate.gateway.hosts import Outward
from modgate.gateway.ownport import own_port
from modgate.gateway.parts import databases, shop
from modgate.gateway.ports import data_port
from modgate.gateway.shares import SETTLE
from modgate.gateway.telling import Telling
from modgate.gateway.upstreams import Upstreams
from modgate.gateway.verifying import Believed, believed, verify_later
from modgate.gateway.views import Views
from modgate.observe import families
from modgate.observe.access_log import AccessLog
from modgate.serve.health import Check, Health
from modgate.serve.listener import Listener
from modgate.serve.tls import Certificate
from modgate.settings.loaded import Loaded
from modgate.storage.store import Store, open_store

if TYPE_CHECKING:
    from modgate.source.git.compose import Composed


@dataclass(frozen=True, slots=True)
class Process:
    """What serves. Everything in it is closed by the stack that it was opened on."""

    telling: Telling
    store: Store
    upstreams: Upstreams
    views: Views
    access_log: AccessLog
    certificate: Certificate | None
    data: Listener
    others: Sequence[Listener] = ()
    """Further ports of this process."""
    database: Believed | None = None
    """The checksum database that modules are verified with."""
    direct: Composed | None = None
    """Modules from where they are kept, if the chain says so."""

    def checks(self) -> list[Check]:
        """What readiness depends on; asked at each probe, and none of it waits."""
        return _checks(self.store, self.upstreams)

    def watches(self) -> list[Coroutine[Any, Any, None]]:
        """What runs as long as the process serves."""
        watches = [
            *self.upstreams.watches(),
            self.store.health.watch(self.store.layout.spool),
        ]
        if self.direct is not None:
            watches.append(self.direct.watch())
        if self.database is not None and self.database.verifying.is_lenient:
            watches.append(verify_later(self.views.home, self.store, self.database.verifying))
        return watches

    def reload(self) -> None:
        """Log files and certificates anew; what cannot be read stays as it was."""
        log = self.telling.log
        try:
            self.access_log.reopen()
        except OSError as error:
            log.warning("access log not reopened", reason=str(error))
        if self.certificate is not None:
            try:
                self.certificate.reload()
            except SetupError as error:
                log.warning("certificate not reloaded", reason=str(error))

    async def settle(self) -> None:
        """What clients have been answered from is let to its end, so that it need not be fetched again."""
        await self.views.close(grace=SETTLE)
        if self.database is not None:
            await self.database.verifying.close(grace=SETTLE)


async def opened(stack: AsyncExitStack, loaded: Loaded, told: Telling, sockets: Sequence[socket.socket]) -> Process:
    """Open everything; nothing is accepted yet.

    Raises:
        SetupError: the store, a certificate or the access log cannot be used.
    """
    settings = loaded.settings
    store = open_store(stack, settings.data, told.events)
    told.metrics.read(families.COMMITS_WAITING, lambda: store.commits.waiting)
    outward = Outward(stack, loaded, told.metrics, store.identity)
    client = outward.client()
    direct = await directly(loaded, outward, store, told)
    upstreams = Upstreams(loaded, client, told, direct.source if direct else None)
    chain = upstreams.chain(loaded.meaning.chain)
    database = believed(stack, loaded, chain, upstreams, store, told)
    verifier = database.verifying if database is not None else UNCHECKED
    rows, own = None, None
    if settings.own_database.name:
        from modgate.gateway.ownlog import own_database, own_rows  # half a megabyte that few gateways need

        rows = own_rows(stack, settings, store)
    checks = [as_recorded(settings.own_database.name, rows)] if rows is not None else []
    views = Views(shop(stack, loaded, store, told, verifier, checks=checks), upstreams)
    stack.push_async_callback(views.close)
    if rows is not None:
        own = await own_database(stack, loaded, store, told, rows, source=views.home, public=database, client=client)
    prove = {database.spec.name: database.verifying.tile} if database is not None else {}
    sums = databases(stack, loaded, chain, upstreams, store, told, own=[own] if own is not None else [], prove=prove)
    access_log = AccessLog(settings.access_log)
    stack.callback(access_log.close)
    certificate = Certificate(settings.tls_cert, settings.tls_key) if settings.tls_cert and settings.tls_key else None
    data = data_port(
        stack,
        loaded,
        sockets,
        views=views.sources,
        sums=sums,
        checks=lambda: _checks(store, upstreams),
        store=store,
        telling=told,
        access_log=access_log,
        certificate=certificate,
    )
    beside = own_port(
        stack,
        loaded,
        sums=sums,
        health=Health(lambda: _checks(store, upstreams), __version__),
        store=store,
        telling=told,
        access_log=access_log,
        certificate=certificate,
    )
    others = [beside] if beside is not None else []
    return Process(told, store, upstreams, views, access_log, certificate, data, others, database, direct)


def _checks(store: Store, upstreams: Upstreams) -> list[Check]:
    problem, down = store.health.problem, ", ".join(upstreams.down)
    reason = f"known to be down: {down}" if down else ""
    return [Check("store", not problem, problem), Check("upstreams", not upstreams.all_down, reason)]

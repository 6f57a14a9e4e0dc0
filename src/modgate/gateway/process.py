"""One serving process: parts and data port, opened and closed in their order."""

from __future__ import annotations

import socket
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modgate import __version__
from modgate.cache.cached import CachedSource
from modgate.cache.evidence import UNCHECKED
from modgate.checksum.owncheck import as_recorded
from modgate.errors import SetupError
from modgate.gateway import values
from modgate.gateway.directly import directly
from modgate.gateway.ownlog import own_database, own_rows
from modgate.gateway.ownport import own_port
from modgate.gateway.parts import Upstream, cached, databases, upstreams
from modgate.gateway.ports import data_port
from modgate.gateway.shares import SETTLE
from modgate.gateway.telling import Telling
from modgate.gateway.verifying import Believed, believed, verify_later
from modgate.net.client import Client
from modgate.observe import families
from modgate.observe.access_log import AccessLog
from modgate.serve.health import Check, Health
from modgate.serve.listener import Listener
from modgate.serve.tls import Certificate
from modgate.settings.load import Loaded
from modgate.source.chain import Chain
from modgate.storage.store import Store, open_store

if TYPE_CHECKING:
    from modgate.source.git.compose import Composed


@dataclass(frozen=True, slots=True)
class Process:
    """What serves. Everything in it is closed by the stack that it was opened on."""

    telling: Telling
    store: Store
    chain: Sequence[Upstream]
    source: CachedSource
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
        return _checks(self.store, self.chain)

    def watches(self) -> list[Coroutine[Any, Any, None]]:
        """What runs as long as the process serves."""
        watches = [
            *(one.guarded.watch() for one in self.chain if one.guarded),
            self.store.health.watch(self.store.layout.spool),
        ]
        if self.direct is not None:
            watches.append(self.direct.watch())
        if self.database is not None and self.database.verifying.is_lenient:
            watches.append(verify_later(self.source, self.store, self.database.verifying))
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
        await self.source.close(grace=SETTLE)
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
    client = Client(
        told.metrics,
        user_agent=f"modgate/{__version__}",
        via=f"1.1 {values.pseudonym(store.identity)}",
        bounds=values.bounds(settings),
    )
    stack.push_async_callback(client.close)
    direct = await directly(stack, loaded, store, told)
    chain = upstreams(loaded, client, told, direct.source if direct else None)
    database = believed(stack, loaded, chain, client, store, told)
    verifier = database.verifying if database is not None else UNCHECKED
    rows = own_rows(stack, settings, store)
    checks = [as_recorded(settings.own_database.name, rows)] if rows is not None else []
    source = cached(stack, loaded, Chain([one.member for one in chain]), store, told, verifier, checks=checks)
    own = await own_database(stack, loaded, store, told, rows, source=source, public=database)
    sums = databases(stack, loaded, chain, client, store, told, own=[own] if own is not None else [])
    access_log = AccessLog(settings.access_log)
    stack.callback(access_log.close)
    certificate = Certificate(settings.tls_cert, settings.tls_key) if settings.tls_cert and settings.tls_key else None
    data = data_port(
        stack,
        loaded,
        sockets,
        source=source,
        sums=sums,
        checks=lambda: _checks(store, chain),
        store=store,
        telling=told,
        access_log=access_log,
        certificate=certificate,
    )
    beside = own_port(
        stack,
        loaded,
        sums=sums,
        health=Health(lambda: _checks(store, chain), __version__),
        store=store,
        telling=told,
        access_log=access_log,
        certificate=certificate,
    )
    others = [beside] if beside is not None else []
    return Process(told, store, chain, source, access_log, certificate, data, others, database, direct)


def _checks(store: Store, chain: Sequence[Upstream]) -> list[Check]:
    problem = store.health.problem
    down = [one.member.source.name for one in chain if one.is_down()]
    all_down = "" if len(down) < len(chain) else f"known to be down: {', '.join(down)}"
    return [Check("store", not problem, problem), Check("upstreams", not all_down, all_down)]

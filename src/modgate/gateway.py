"""The composition root: settings become a running gateway, inside one AsyncExitStack. The only file that knows every
part.

The order of the wrappers, and why it is that order:

    view "/" = Cached( Chain( Guarded( Retried( GoProxy ) ) , … ) )

The cache is outermost, so that a hit costs none of the rest, and so that any number of asks becomes one before a chain
sees it. The chain holds the upstreams, each behind its own breaker: an open one costs the chain nothing, and says so as
`Unavailable`, so that after "|" the next member is asked and after "," the client is told. The retry is inside the
breaker: one lost connection that the second try mends is no failure of the upstream. What is found malformed is found
in the upstream itself, so that after "|" the next one can do better.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from modgate import __version__
from modgate.cache.answers import Answers, Rules
from modgate.cache.artifacts import Artifacts
from modgate.cache.cached import CachedSource, lists_to_expire
from modgate.cache.changing import Changing
from modgate.cache.checking import Checker
from modgate.cache.freshness import Ages
from modgate.cache.part import Budget
from modgate.cache.smallfiles import SmallFiles
from modgate.cache.zips import Zips
from modgate.checksum.databases import Database, Databases
from modgate.checksum.ways import Proxy, Ways
from modgate.errors import SetupError
from modgate.gomod.modzip import ZipLimits
from modgate.gomod.redact import redacted
from modgate.net.client import Client
from modgate.net.limits import Bounds, Deadlines
from modgate.observe import families
from modgate.observe.access_log import AccessLog
from modgate.observe.events import Events
from modgate.observe.exposition import render
from modgate.observe.log import application_log
from modgate.observe.metrics import Metrics
from modgate.observe.process import register
from modgate.serve.admin import AdminPort
from modgate.serve.app import DataPort
from modgate.serve.banner import Banner, announce
from modgate.serve.clock import Clock
from modgate.serve.cycle import App
from modgate.serve.edge import Edge, WireLimits
from modgate.serve.exchange import Reporter
from modgate.serve.health import Check
from modgate.serve.health import Health as HealthPages
from modgate.serve.keep import Keeper
from modgate.serve.lifecycle import Lifecycle, allow_descriptors
from modgate.serve.listener import Listener, bind
from modgate.serve.proxies import TrustedProxies
from modgate.serve.table import Principals, Table
from modgate.serve.tls import Certificate
from modgate.settings import model
from modgate.settings.load import Loaded
from modgate.source.base import Ask, Source
from modgate.source.breaker import Guarded, Limits
from modgate.source.chain import Chain, Member, Off
from modgate.source.directory import Directory
from modgate.source.goproxy import GoProxy, Sizes
from modgate.source.retry import Retried
from modgate.storage.store import Store, open_store
from modgate.storage.tree import Tree

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger


@dataclass(frozen=True, slots=True)
class Upstream:
    """One member of the chain, with what health and checksum databases have to know of it."""

    member: Member
    guarded: Guarded | None = None
    proxy: GoProxy | None = None

    def is_down(self) -> bool:
        """Whether it is known to be down."""
        return self.guarded is not None and self.guarded.is_open


@dataclass(frozen=True, slots=True)
class Telling:
    """Where everybody reports to."""

    metrics: Metrics
    events: Events
    log: FilteringBoundLogger

    def unexpected(self, error: BaseException) -> None:
        """A defect of ours: the client gets an error without details, the log gets them."""
        self.log.error("unexpected error", exc_info=error)


def upstreams(loaded: Loaded, client: Client, telling: Telling) -> list[Upstream]:
    """The members of the chain, in its order."""
    settings, made = loaded.settings, list[Upstream]()
    sizes = Sizes(settings.limits.list, settings.limits.info, settings.limits.mod, settings.limits.zip)
    for link in loaded.meaning.chain:
        scheme = urlsplit(link.url).scheme
        if link.url == "off":
            made.append(Upstream(Member(Off(), link.after)))
        elif scheme == "file":
            made.append(Upstream(Member(Directory(unquote(urlsplit(link.url).path), sizes), link.after)))
        else:
            proxy = GoProxy(link.url, client, telling.events, _deadlines(settings.deadlines), sizes)
            breaker = settings.breaker
            limits = Limits(breaker.failures, breaker.probe_every, breaker.probe_timeout)
            guarded = Guarded(Retried(proxy, telling.metrics), proxy.alive, limits, telling.events)
            telling.metrics.read(families.UPSTREAM_UP, guarded.up, proxy.name)
            made.append(Upstream(Member(guarded, link.after), guarded, proxy))
    return made


def cached(stack: AsyncExitStack, loaded: Loaded, source: Source, store: Store, telling: Telling) -> CachedSource:
    """What is remembered of `source`, in the namespace `public`."""
    settings, private = loaded.settings, loaded.meaning.private
    layout, metrics = store.layout, telling.metrics
    public_rules = Rules(_ages(settings.freshness.public), private=False)
    private_rules = Rules(_ages(settings.freshness.private), private=True)

    def rules(path: str) -> Rules:
        return private_rules if private.match(path) else public_rules

    async def on_stored(ask: Ask) -> None:
        for question in lists_to_expire(ask):
            await answers.expire(question, ask.version)

    namespace = store.namespace("public", Tree(layout.modules, layout.quarantine))
    zip_limits = ZipLimits(zip_bytes=settings.limits.zip, mod_bytes=settings.limits.mod)
    checker = Checker(zip_limits, metrics)
    stack.push_async_callback(checker.close)
    answers = Answers(source, Changing(namespace, metrics, telling.unexpected), rules)
    most = max(settings.limits.mod, settings.limits.info)
    files = SmallFiles(namespace, telling.events, metrics, telling.unexpected, most=most)
    artifacts = Artifacts(source, files, rules, (), on_stored)
    zips = Zips(
        source,
        namespace,
        rules=rules,
        checks=(),
        on_stored=on_stored,
        events=telling.events,
        metrics=metrics,
        unexpected=telling.unexpected,
        checker=checker,
        budget=Budget(settings.limits.spool, metrics),
        most=settings.limits.zip,
        downloads=settings.limits.downloads,
    )
    whole = CachedSource(namespace, answers, artifacts, zips)
    stack.push_async_callback(whole.close)
    return whole


def databases(
    stack: AsyncExitStack, loaded: Loaded, chain: Sequence[Upstream], client: Client, store: Store, telling: Telling
) -> Databases:
    """The checksum databases that are passed through."""
    settings, made = loaded.settings, list[Database]()
    sizes, deadlines = Sizes(), _deadlines(settings.deadlines)
    for spec in loaded.meaning.databases:
        direct = GoProxy(spec.url or f"https://{spec.name}", client, telling.events, deadlines, sizes)
        proxies = [Proxy(one.proxy, one.member.after, one.is_down) for one in chain if one.proxy]
        ways = Ways(spec.name, [] if spec.url else proxies, direct, telling.metrics)
        namespace = store.namespace(f"sumdb/{spec.name}", Tree(store.layout.root, store.layout.quarantine))
        private, most = loaded.meaning.private, settings.limits.database
        files = SmallFiles(namespace, telling.events, telling.metrics, telling.unexpected, most=most)
        changing = Changing(namespace, telling.metrics, telling.unexpected)
        made.append(Database(spec.name, ways, files, changing, is_private=private.match, most=most))
    whole = Databases(made)
    stack.push_async_callback(whole.close)
    return whole


@dataclass(frozen=True, slots=True)
class Ports:
    """The two listeners of a process, and what they share."""

    data: Listener
    admin: Listener | None
    access_log: AccessLog
    certificate: Certificate | None
    scheme: str

    @property
    def listeners(self) -> list[Listener]:
        return [self.data, *([self.admin] if self.admin else [])]

    def reload(self, log: FilteringBoundLogger) -> None:
        """SIGHUP: log files and certificates anew; what cannot be read stays as it was."""
        try:
            self.access_log.reopen()
        except OSError as error:
            log.warning("access log not reopened", reason=str(error))
        if self.certificate is not None:
            try:
                self.certificate.reload()
            except SetupError as error:
                log.warning("certificate not reloaded", reason=str(error))


def ports(
    stack: AsyncExitStack,
    loaded: Loaded,
    source: Source,
    sums: Databases,
    *,
    checks: Callable[[], Sequence[Check]],
    store: Store,
    telling: Telling,
) -> Ports:
    """Bind both ports; nothing is accepted yet.

    Raises:
        SetupError: an address is taken, or a certificate cannot be read.
    """
    settings, meaning, metrics = loaded.settings, loaded.meaning, telling.metrics
    access_log = AccessLog(settings.access_log)
    stack.callback(access_log.close)
    reporter = Reporter(metrics, access_log, Clock())
    health = HealthPages(checks, __version__)
    table = Table(store.generations.values, settings.limits.memory_cache)
    metrics.read(families.MEMORY_BYTES, lambda: table.size)
    metrics.read(families.MEMORY_ENTRIES, lambda: len(table))
    principals = Principals(table)
    data_port = DataPort(
        source=source,
        databases=sums,
        keeper=Keeper(principals, reporter),
        reporter=reporter,
        health=health,
        metrics=metrics,
        log=telling.log.error,
        via=_pseudonym(store.identity),
        base_path=settings.base_path,
        answer_seconds=settings.deadlines.request,
        longest_target=settings.limits.url,
    )
    certificate = Certificate(settings.tls_cert, settings.tls_key) if settings.tls_cert and settings.tls_key else None

    def edge(app: App, table: Principals) -> Edge:
        return Edge(
            app=app,
            principals=table,
            reporter=reporter,
            proxies=TrustedProxies(settings.trusted_proxies),
            request_prefix=f"{secrets.token_hex(4)}-",
            log=telling.log.error,
            limits=_wire(settings),
        )

    context = certificate.context if certificate else None
    data = Listener(bind(str(meaning.listen), field="listen"), edge(data_port, principals), context)
    stack.callback(data.abort)
    admin = None
    if meaning.admin is not None:
        page = AdminPort(
            health=health, scrape=lambda: render(metrics), log=telling.log.error, base_path=settings.base_path
        )
        nothing = Principals(Table(store.generations.values, 0))
        admin = Listener(bind(str(meaning.admin), field="admin"), edge(page, nothing))
        stack.callback(admin.abort)
    metrics.read(families.CONNECTIONS, lambda: data.connections)
    return Ports(data, admin, access_log, certificate, "https" if certificate else "http")


def serve(loaded: Loaded) -> int:
    """Run the gateway until it is told to stop; returns the exit status.

    Raises:
        SetupError: it cannot start.
    """
    import uvloop

    allow_descriptors()
    return uvloop.run(run(loaded))


async def run(loaded: Loaded) -> int:
    """As `serve`, in a running event loop."""
    settings = loaded.settings
    metrics, log = Metrics(), application_log(style=settings.log_format, level=settings.log_level)
    telling = Telling(metrics, Events(metrics, log.warning), log)
    register(metrics, version=__version__, started=time.time())
    for warning in loaded.warnings:
        log.warning(warning)
    async with AsyncExitStack() as stack:
        store = open_store(stack, settings.data, telling.events)
        client = Client(
            metrics,
            user_agent=f"modgate/{__version__}",
            via=f"1.1 {_pseudonym(store.identity)}",
            bounds=_bounds(settings),
        )
        stack.push_async_callback(client.close)
        chain = upstreams(loaded, client, telling)
        source = cached(stack, loaded, Chain([one.member for one in chain]), store, telling)
        sums = databases(stack, loaded, chain, client, store, telling)
        open_ports = ports(
            stack, loaded, source, sums, checks=lambda: _checks(store, chain), store=store, telling=telling
        )
        watches = [one.guarded.watch() for one in chain if one.guarded]
        watches.append(store.health.watch(store.layout.spool))
        lifecycle = Lifecycle(open_ports.listeners, watches, open_ports.access_log, settings.drain_time)
        await lifecycle.run(
            started=lambda: announce(_banner(loaded, open_ports)), reload=lambda: open_ports.reload(log)
        )
        # What clients have been answered from is let to its end, so that it need not be fetched again.
        await source.close(grace=SETTLE)
    return 0


SETTLE = 2.0
"""Seconds for fetches that nobody waits for any more when the gateway stops."""


def _checks(store: Store, chain: Sequence[Upstream]) -> list[Check]:
    """What readiness depends on; asked at each probe, and none of it waits."""
    problem = store.health.problem
    down = [one.member.source.name for one in chain if one.is_down()]
    all_down = "" if len(down) < len(chain) else f"known to be down: {', '.join(down)}"
    return [Check("store", not problem, problem), Check("upstreams", not all_down, all_down)]


def _banner(loaded: Loaded, open_ports: Ports) -> Banner:
    settings = loaded.settings
    return Banner(
        version=__version__,
        urls=[f"{open_ports.scheme}://{address}{settings.base_path}" for address in open_ports.data.addresses],
        admin=[f"http://{address}" for address in open_ports.admin.addresses] if open_ports.admin else [],
        data=str(settings.data),
        upstream="".join(f"{link.shown}{link.after}" for link in loaded.meaning.chain)[:-1],
        databases=[redacted(spec.name) for spec in loaded.meaning.databases],
    )


def _pseudonym(identity: str) -> str:
    """Our name in Via headers (RFC 9110 §7.6.3): no host name of the company leaves with it."""
    return f"modgate-{identity}"


def _deadlines(settings: model.Deadlines) -> Deadlines:
    return Deadlines(
        connect=settings.connect,
        first_byte=settings.first_byte,
        idle=settings.idle,
        total=settings.total,
        total_small=settings.small_total,
    )


def _bounds(settings: model.Settings) -> Bounds:
    return Bounds(per_host=settings.limits.upstream_requests_per_host)


def _ages(settings: model.Ages) -> Ages:
    return Ages(
        fresh=settings.fresh,
        stale=settings.stale,
        keep=settings.keep,
        absent_version=settings.absent_version,
        absent_path=settings.absent_path,
        absent_latest=settings.absent_latest,
    )


def _wire(settings: model.Settings) -> WireLimits:
    return WireLimits(
        target_bytes=settings.limits.url,
        head_bytes=settings.limits.headers,
        request_seconds=settings.deadlines.request_header,
        idle_seconds=settings.deadlines.keep_alive,
        stall_seconds=settings.deadlines.write_stall,
    )

"""From where modules and checksums come, and what is remembered of them: the expression of sources.

The order of the wrappers, and why it is that order:

    view "/" = Cached( Chain( Guarded( Retried( GoProxy ) ) , … ) )

The cache is outermost, so that a hit costs none of the rest, and so that any number of asks becomes one before a chain
sees it. It is given a verifier: a go.mod file or zip becomes visible when the checksum database knows it, and the
look-up runs beside the download (gateway/verifying.py). The chain holds the upstreams, each behind its own breaker: an
open one costs the chain nothing, and says so as `Unavailable`, so that after "|" the next member is asked and after ","
the client is told. The retry is inside the breaker: one lost connection that the second try mends is no failure of the
upstream. What is found malformed is found in the upstream itself, so that after "|" the next one can do better.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from modgate.cache.ahead import AT_ONCE, Ahead
from modgate.cache.answers import Answers, Rules
from modgate.cache.artifacts import Artifacts
from modgate.cache.cached import CachedSource, lists_to_expire
from modgate.cache.changing import Changing
from modgate.cache.checking import Checker
from modgate.cache.evidence import UNCHECKED, Check, Verifier
from modgate.cache.part import Budget
from modgate.cache.smallfiles import SmallFiles
from modgate.cache.zips import Zips
from modgate.checksum.databases import Database, Databases, Served
from modgate.checksum.ways import Proxy, Ways
from modgate.errors import SetupError
from modgate.gateway import values
from modgate.gateway.telling import Telling
from modgate.gomod.modzip import ZipLimits
from modgate.net.client import Client
from modgate.observe import families
from modgate.settings.load import Loaded
from modgate.source.base import Ask, Source
from modgate.source.breaker import Guarded, Limits
from modgate.source.chain import Member, Off
from modgate.source.directory import Directory
from modgate.source.goproxy import GoProxy, Sizes
from modgate.source.retry import Retried
from modgate.storage.store import Store
from modgate.storage.tree import Tree


@dataclass(frozen=True, slots=True)
class Upstream:
    """One member of the chain, with what health and checksum databases have to know of it."""

    member: Member
    guarded: Guarded | None = None
    proxy: GoProxy | None = None

    def is_down(self) -> bool:
        """Whether it is known to be down."""
        return self.guarded is not None and self.guarded.is_open


def upstreams(loaded: Loaded, client: Client, telling: Telling, direct: Source | None = None) -> list[Upstream]:
    """The members of the chain, in its order; `direct` is None where this machine cannot do that.

    Raises:
        SetupError: there was nothing but `direct` in it.
    """
    settings, made = loaded.settings, list[Upstream]()
    sizes = Sizes(settings.limits.list, settings.limits.info, settings.limits.mod, settings.limits.zip)
    for link in loaded.meaning.chain:
        scheme = urlsplit(link.url).scheme
        if link.url == "off":
            made.append(Upstream(Member(Off(), link.after)))
        elif link.url == "direct":
            made += [Upstream(Member(direct, link.after))] if direct is not None else []
        elif scheme == "file":
            made.append(Upstream(Member(Directory(unquote(urlsplit(link.url).path), sizes), link.after)))
        else:
            proxy = GoProxy(link.url, client, telling.events, values.deadlines(settings.deadlines), sizes)
            breaker = settings.breaker
            limits = Limits(breaker.failures, breaker.probe_every, breaker.probe_timeout)
            guarded = Guarded(Retried(proxy, telling.metrics), proxy.alive, limits, telling.events)
            telling.metrics.read(families.UPSTREAM_UP, guarded.up, proxy.name)
            made.append(Upstream(Member(guarded, link.after), guarded, proxy))
    if not made:
        problem = "direct cannot be used here, and there is nothing else in it"
        raise SetupError("upstream", problem, "install git, or give a proxy: --upstream URL")
    return made


def cached(
    stack: AsyncExitStack,
    loaded: Loaded,
    source: Source,
    store: Store,
    telling: Telling,
    verifier: Verifier = UNCHECKED,
    *,
    checks: Sequence[Check] = (),
) -> CachedSource:
    """What is remembered of `source`, in the namespace `public`; `checks` are further ones than `verifier`."""
    settings, private = loaded.settings, loaded.meaning.private
    layout, metrics = store.layout, telling.metrics
    public_rules = Rules(values.ages(settings.freshness.public), private=False)
    private_rules = Rules(values.ages(settings.freshness.private), private=True)

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
    artifacts: Artifacts | Ahead = Artifacts(source, files, rules, checks, on_stored, verifier)
    if settings.fetch_ahead != "off":
        artifacts = Ahead(
            artifacts,
            allowed=lambda ask: settings.fetch_ahead == "all" or not rules(ask.path).private,
            is_stored=lambda ask: namespace.tree.identity(namespace.name, ask.name) is not None,
            metrics=metrics,
            unexpected=telling.unexpected,
            at_once=max(1, min(AT_ONCE, settings.limits.upstream_requests_per_host // 4)),
        )
    zips = Zips(
        source,
        namespace,
        rules=rules,
        checks=checks,
        on_stored=on_stored,
        events=telling.events,
        metrics=metrics,
        unexpected=telling.unexpected,
        checker=checker,
        budget=Budget(settings.limits.spool, metrics),
        most=settings.limits.zip,
        downloads=settings.limits.downloads,
        verifier=verifier,
    )
    whole = CachedSource(namespace, answers, artifacts, zips)
    stack.push_async_callback(whole.close)
    return whole


def databases(
    stack: AsyncExitStack,
    loaded: Loaded,
    chain: Sequence[Upstream],
    client: Client,
    store: Store,
    telling: Telling,
    *,
    own: Sequence[Served] = (),
) -> Databases:
    """The checksum databases that are passed through, and `own`."""
    settings, made = loaded.settings, list[Served](own)
    sizes, deadlines = Sizes(), values.deadlines(settings.deadlines)
    for spec in loaded.meaning.databases:
        direct = GoProxy(spec.url or f"https://{spec.name}", client, telling.events, deadlines, sizes)
        proxies = [Proxy(one.proxy, one.member.after, one.is_down) for one in chain if one.proxy]
        ways = Ways(spec.name, [] if spec.url else proxies, direct, telling.metrics)
        namespace = store.namespace(f"sumdb/{spec.name}", Tree(store.layout.root, store.layout.quarantine))
        private, most, beside = loaded.meaning.private, settings.limits.database, loaded.sumdb_dir
        files = SmallFiles(namespace, telling.events, telling.metrics, telling.unexpected, most=most)
        changing = Changing(namespace, telling.metrics, telling.unexpected)
        made.append(Database(spec.name, ways, files, changing, is_private=private.match, most=most, elsewhere=beside))
    whole = Databases(made)
    stack.push_async_callback(whole.close)
    return whole

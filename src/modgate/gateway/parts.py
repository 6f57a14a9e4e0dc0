"""What is remembered of one route's sources, and the checksum databases that are passed through.

The order of the wrappers, and why it is that order:

    view   = Routed( … )                                                                        gateway/views.py
    route  = Cached( WithFallback( Chain( Guarded( Retried( Rehearsed( GoProxy ) ) ) , … ) ) )

Routes are outermost, because each has its own namespace, ages and rules. The cache comes next, so that a hit costs
none of the rest, and so that any number of asks becomes one before a chain sees it. It is given a verifier: a go.mod
file or zip becomes visible when the checksum database knows it, and the look-up runs beside the download
(gateway/verifying.py). The chain holds the upstreams, each behind its own breaker: an open one costs the chain nothing,
and says so as `Unavailable`, so that after "|" the next member is asked and after "," the client is told. The retry is
inside the breaker: one lost connection that the second try mends is no failure of the upstream. What is found malformed
is found in the upstream itself, so that after "|" the next one can do better.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import MappingProxyType

from modgate.cache.ahead import AT_ONCE, Ahead
from modgate.cache.answers import Answers, Rules
from modgate.cache.artifacts import Artifacts
from modgate.cache.cached import CachedSource, lists_to_expire
from modgate.cache.changing import Changing
from modgate.cache.checking import Checker
from modgate.cache.evidence import UNCHECKED, Check, Only, Verifier
from modgate.cache.part import Budget
from modgate.cache.passing import Passing
from modgate.cache.smallfiles import SmallFiles
from modgate.cache.zips import Zips
from modgate.checksum.databases import TOOLCHAIN, Database, Databases, Prove, Served, unproven
from modgate.gateway import values
from modgate.gateway.telling import Telling
from modgate.gateway.upstreams import Upstream, Upstreams
from modgate.gomod.modzip import ZipLimits
from modgate.net.turns import Turns
from modgate.settings.loaded import Loaded
from modgate.settings.routing import Route
from modgate.source.base import Ask, Source
from modgate.storage.namespace import Namespace
from modgate.storage.store import Store
from modgate.storage.tree import Tree


@dataclass(frozen=True, slots=True)
class Shop:
    """What all routes of a process share."""

    loaded: Loaded
    store: Store
    telling: Telling
    verifier: Verifier
    checks: Sequence[Check]
    """Further ones than `verifier`."""
    checker: Checker
    budget: Budget
    downloads: Turns

    def namespace(self, name: str) -> Namespace:
        """Where modules are stored."""
        layout = self.store.layout
        return self.store.namespace(name, Tree(layout.modules, layout.quarantine))


def shop(
    stack: AsyncExitStack,
    loaded: Loaded,
    store: Store,
    telling: Telling,
    verifier: Verifier = UNCHECKED,
    *,
    checks: Sequence[Check] = (),
) -> Shop:
    """That of this process; `stack` closes it."""
    limits = loaded.settings.limits
    checker = Checker(ZipLimits(zip_bytes=limits.zip, mod_bytes=limits.mod), telling.metrics)
    stack.push_async_callback(checker.close)
    budget = Budget(limits.spool, telling.metrics)
    return Shop(loaded, store, telling, verifier, checks, checker, budget, Turns(limits.downloads))


def cached(shop: Shop, view: str, route: Route, source: Source, may_guess: Callable[[Ask], bool]) -> CachedSource:
    """What is remembered of `source`, as `route` wants it.

    `may_guess` says whether an ask that nobody has put yet would come here. What may change is remembered for each view
    by itself: its chain may be another one. Artifacts are shared by all views with that namespace.
    """
    settings, telling, metrics = shop.loaded.settings, shop.telling, shop.telling.metrics
    rules = Rules(values.ages(route.ages), private=route.private)
    namespace = shop.namespace(route.namespace)
    changing = shop.namespace(f"{route.namespace}@{view}") if view else namespace
    is_verified = route.checksum and not route.private
    # Our own log has one record for a name: what is private in another view may be another module.
    checks = () if view and route.private else shop.checks
    # Toolchains are always verified.
    verifier = shop.verifier if is_verified else Only(shop.verifier, _is_toolchain)

    async def on_stored(ask: Ask) -> None:
        for question in lists_to_expire(ask):
            await answers.expire(question, ask.version)

    answers = Answers(source, Changing(changing, metrics, telling.unexpected), lambda _: rules)
    most = max(route.limits.mod, route.limits.info)
    files = SmallFiles(namespace, telling.events, metrics, telling.unexpected, most=most)
    artifacts: Artifacts | Ahead = Artifacts(source, files, lambda _: rules, checks, on_stored, verifier)
    if settings.fetch_ahead == "all" or (settings.fetch_ahead == "public" and not route.private):
        artifacts = Ahead(
            artifacts,
            allowed=may_guess,
            is_stored=lambda ask: namespace.has(ask.name),
            metrics=metrics,
            unexpected=telling.unexpected,
            at_once=max(1, min(AT_ONCE, settings.limits.upstream_requests_per_host // 4)),
            workers=values.workers(settings),
        )
    zips = Zips(
        source,
        namespace,
        rules=lambda _: rules,
        checks=checks,
        on_stored=on_stored,
        events=telling.events,
        metrics=metrics,
        unexpected=telling.unexpected,
        checker=shop.checker,
        budget=shop.budget,
        most=route.limits.zip,
        downloads=shop.downloads,
        verifier=verifier,
    )
    return CachedSource(namespace, answers, artifacts, zips)


def passing(shop: Shop, route: Route, source: Source) -> Passing:
    """What hands on `source` to each client for itself, as a route with forward_token wants it."""
    fresh = shop.namespace(route.namespace).fresh
    verifier = Only(shop.verifier, _is_toolchain)
    return Passing(source, fresh, shop.checker, shop.budget, route.limits.zip, verifier)


def _is_toolchain(ask: Ask) -> bool:
    return ask.path == TOOLCHAIN


def databases(
    stack: AsyncExitStack,
    loaded: Loaded,
    chain: Sequence[Upstream],
    reach: Upstreams,
    store: Store,
    telling: Telling,
    *,
    own: Sequence[Served] = (),
    prove: Mapping[str, Prove] = MappingProxyType({}),
) -> Databases:
    """The checksum databases that are passed through, and `own`; `prove` is by the name of a database."""
    settings, made = loaded.settings, list[Served](own)
    for spec in loaded.meaning.databases:
        ways = reach.ways(spec, chain)
        namespace = store.namespace(f"sumdb/{spec.name}", Tree(store.layout.root, store.layout.quarantine))
        is_private, most, beside = loaded.meaning.is_private, settings.limits.database, loaded.sumdb_dir
        files = SmallFiles(namespace, telling.events, telling.metrics, telling.unexpected, most=most)
        changing = Changing(namespace, telling.metrics, telling.unexpected)
        made.append(
            Database(
                spec.name,
                ways,
                files,
                changing,
                is_private=is_private,
                most=most,
                elsewhere=beside,
                prove=prove.get(spec.name, unproven),
            )
        )
    whole = Databases(made)
    stack.push_async_callback(whole.close)
    return whole

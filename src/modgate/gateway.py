"""The composition root: settings become a running gateway, inside one AsyncExitStack. The only file that knows every part.

The order of the wrappers, and why it is that order:

    view "/" = Cached( Chain( Guarded( Retried( GoProxy ) ) , … ) )

The cache is outermost, so that a hit costs none of the rest, and so that any number of asks becomes one before a chain
sees it. The chain holds the upstreams, each behind its own breaker: an open one costs the chain nothing, and says so as
`Unavailable`, so that after "|" the next member is asked and after "," the client is told. The retry is inside the
breaker: one lost connection that the second try mends is no failure of the upstream. What is found malformed is found
in the upstream itself, so that after "|" the next one can do better.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
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
from modgate.gomod.modzip import ZipLimits
from modgate.net.client import Client
from modgate.net.limits import Bounds, Deadlines
from modgate.observe.events import Events
from modgate.observe.metrics import Metrics
from modgate.settings import model
from modgate.settings.load import Loaded
from modgate.source.base import Ask, Source
from modgate.source.breaker import Guarded, Limits
from modgate.source.chain import Chain, Member, Off
from modgate.source.directory import Directory
from modgate.source.goproxy import GoProxy, Sizes
from modgate.source.retry import Retried
from modgate.storage.commit import Commits
from modgate.storage.generations import Generations
from modgate.storage.layout import Layout
from modgate.storage.locks import Locks
from modgate.storage.namespace import Health, Namespace
from modgate.storage.session import session
from modgate.storage.sqlite import SqliteRecords
from modgate.storage.tree import Tree


@dataclass(frozen=True, slots=True)
class Store:
    """What one data directory gives to all namespaces of a process."""

    layout: Layout
    identity: str
    records: SqliteRecords
    commits: Commits
    generations: Generations
    session: str
    health: Health

    def namespace(self, name: str, tree: Tree) -> Namespace:
        return Namespace(
            name, records=self.records, commits=self.commits, tree=tree, locks=Locks(self.layout.spool),
            generations=self.generations, spool=self.layout.spool, session=self.session, health=self.health,
        )


@dataclass(frozen=True, slots=True)
class Upstream:
    """One member of the chain, with what health and checksum databases have to know of it."""

    member: Member
    guarded: Guarded | None = None
    proxy: GoProxy | None = None

    @property
    def is_down(self) -> bool:
        return self.guarded is not None and self.guarded.is_open


@dataclass(frozen=True, slots=True)
class Telling:
    """Where everybody reports to."""

    metrics: Metrics
    events: Events
    log: BoundLogger

    def unexpected(self, error: BaseException) -> None:
        """A defect of ours: the client gets an error without details, the log gets them."""
        self.log.error("unexpected error", exc_info=error)


def open_store(stack: AsyncExitStack, data: Path, events: Events) -> Store:
    """Open the data directory; `stack` closes it again.

    Raises:
        OSError, SetupError: it cannot be used.
    """
    layout = Layout(data)
    layout.create()
    prefix = stack.enter_context(session(layout.spool))
    generations = Generations(layout.generations)
    stack.callback(generations.close)
    records = SqliteRecords(layout.records)
    stack.callback(records.close)
    commits = Commits(records)
    stack.callback(commits.close)
    return Store(layout, layout.identity(), records, commits, generations, prefix, Health(events))


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
            limits = Limits(settings.breaker.failures, settings.breaker.probe_every)
            guarded = Guarded(Retried(proxy, telling.metrics), proxy.alive, limits, telling.events)
            telling.metrics.read(families.UPSTREAM_UP, lambda it=guarded: float(not it.is_open), proxy.name)
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
    files = SmallFiles(namespace, telling.events, metrics, telling.unexpected)
    artifacts = Artifacts(source, files, rules, (), on_stored)
    zips = Zips(
        source, namespace, rules, (), on_stored, telling.events, metrics, telling.unexpected,
        checker=checker, budget=Budget(settings.limits.spool, metrics), most=settings.limits.zip,
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
        proxies = [Proxy(one.proxy, one.member.after, lambda it=one: it.is_down) for one in chain if one.proxy]
        ways = Ways(spec.name, [] if spec.url else proxies, direct, telling.metrics)
        namespace = store.namespace(f"sumdb/{spec.name}", Tree(store.layout.root, store.layout.quarantine))
        files = SmallFiles(namespace, telling.events, telling.metrics, telling.unexpected)
        changing = Changing(namespace, telling.metrics, telling.unexpected)
        private, most = loaded.meaning.private, settings.limits.database
        made.append(Database(spec.name, ways, files, changing, private.match, most))
    whole = Databases(made)
    stack.push_async_callback(whole.close)
    return whole

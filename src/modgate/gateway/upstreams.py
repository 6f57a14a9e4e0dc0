"""The upstreams of this process: each URL is one, with one breaker for each service, in however many chains it stands.

    member of a chain      = Guarded( Retried( Rehearsed( GoProxy ) ) )
    way to a checksum database = GuardedFiles( Rehearsed( GoProxy ) )

Routes may give one upstream different deadlines, and that makes different proxies; what is known of its health is the
same in all of them. Behind each public chain stands the last resort, if the environment names one.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from modgate.checksum.ways import Proxy, Ways
from modgate.errors import SetupError
from modgate.gateway import values
from modgate.gateway.telling import Telling
from modgate.gomod.chain import Link
from modgate.gomod.gosumdb import DatabaseSpec
from modgate.net.client import Client
from modgate.net.limits import Deadlines
from modgate.observe import families
from modgate.settings.loaded import Loaded
from modgate.source.base import Source
from modgate.source.breaker import Circuit, Guarded
from modgate.source.chain import Chain, Member, Off
from modgate.source.directory import Directory
from modgate.source.fallback import LastResort, WithFallback, tree_of
from modgate.source.files import GuardedFiles
from modgate.source.goproxy import GoProxy, Sizes
from modgate.source.health import Checkup
from modgate.source.rehearsal import Rehearsal, Rehearsed
from modgate.source.retry import Retried


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one HTTP upstream, whoever asks it."""

    name: str
    """Its URL without credentials."""
    rehearsal: Rehearsal
    checkup: Checkup
    modules: Circuit
    checksums: Circuit
    files: GuardedFiles
    """Its checksum databases."""

    def watches(self) -> list[Coroutine[Any, Any, None]]:
        """What runs as long as the process serves."""
        return [self.modules.watch(), self.checksums.watch(), self.checkup.watch()]


@dataclass(frozen=True, slots=True)
class Upstream:
    """One member of a chain, with what is known of it; None for what is no HTTP upstream."""

    member: Member
    known: Known | None = None


class Upstreams:
    """Makes the members of chains, each upstream once."""

    def __init__(self, loaded: Loaded, client: Client, telling: Telling, direct: Source | None = None) -> None:
        """`direct` is None where this machine cannot do that."""
        self._loaded = loaded
        self._settings = loaded.settings
        self._client = client
        self._telling = telling
        self._direct = direct
        self._known: dict[str, Known] = {}
        self._databases: dict[str, tuple[GuardedFiles, Circuit]] = {}
        self._has_others = False
        self.fallback = self._last_resort(loaded)

    @property
    def all(self) -> Sequence[Known]:
        """Each HTTP upstream once, in the order in which chains name them."""
        return tuple(self._known.values())

    @property
    def down(self) -> list[str]:
        """The names of those that are known to be down."""
        return [known.name for known in self.all if known.modules.is_down]

    @property
    def all_down(self) -> bool:
        """Whether nothing new can come from anywhere; of directories and repositories nobody knows that."""
        return not (self._has_others or self.fallback) and len(self.down) == len(self._known)

    def watches(self) -> list[Coroutine[Any, Any, None]]:
        """What runs as long as the process serves; to be called when all chains are made."""
        watches = [watch for known in self.all for watch in known.watches()]
        watches += [circuit.watch() for _, circuit in self._databases.values()]
        return [*watches, *([self.fallback.watch()] if self.fallback else [])]

    def chain(
        self,
        links: Sequence[Link],
        *,
        deadlines: Deadlines | None = None,
        sizes: Sizes | None = None,
        forward: str = "",
    ) -> list[Upstream]:
        """The members of one chain, in its order.

        Args:
            deadlines, sizes: those of a route; else those of the settings.
            forward: the header of clients whose value lets them in there; see GoProxy.

        Raises:
            SetupError: there was nothing but `direct` in it, which this machine cannot do.
        """
        deadlines = deadlines or values.deadlines(self._settings.deadlines)
        sizes = sizes or values.sizes(self._settings.limits)
        made = [one for link in links for one in self._member(link, deadlines, sizes, forward)]
        if not made:
            problem = "direct cannot be used here, and there is nothing else in it"
            raise SetupError("upstream", problem, "install git, or give a proxy: --upstream URL")
        return made

    def source(self, chain: Sequence[Upstream], *, public: bool = True) -> Source:
        """What asks the members of `chain`; a public one has the last resort behind it."""
        asks = Chain([one.member for one in chain], hedge=self._settings.deadlines.hedge)
        return WithFallback(asks, self.fallback) if public and self.fallback else asks

    def ways(self, spec: DatabaseSpec, chain: Sequence[Upstream]) -> Ways:
        """The ways to a checksum database: through the upstreams that relay it, as the go command would, or to itself;
        only to itself where the settings give its own URL."""
        proxies = [Proxy(one.known.files, one.member.after) for one in chain if one.known]
        direct = self._database(spec.url or f"https://{spec.name}")
        return Ways(spec.name, [] if spec.url else proxies, direct, hedge=self._settings.deadlines.hedge)

    def _member(self, link: Link, deadlines: Deadlines, sizes: Sizes, forward: str) -> list[Upstream]:
        scheme = urlsplit(link.url).scheme
        self._has_others = self._has_others or not link.is_http
        if link.url == "off":
            return [Upstream(Member(Off(), link.after))]
        if link.url == "direct":
            return [Upstream(Member(self._direct, link.after))] if self._direct is not None else []
        if scheme == "file":
            directory = Directory(unquote(urlsplit(link.url).path), sizes, deadlines.first_byte)
            return [Upstream(Member(directory, link.after))]
        known = self._known.get(link.url)
        if known is None:
            known = self._known[link.url] = self._make_known(link.url)
        proxy = Rehearsed(self._proxy(link.url, deadlines, sizes, forward), known.rehearsal)
        guarded = Guarded(Retried(proxy, self._telling.metrics), known.modules)
        return [Upstream(Member(guarded, link.after), known)]

    def _proxy(self, url: str, deadlines: Deadlines, sizes: Sizes, forward: str = "") -> GoProxy:
        return GoProxy(url, self._client, self._telling.events, deadlines, sizes, forward=forward)

    def _make_known(self, url: str) -> Known:
        settings, metrics, events = self._settings, self._telling.metrics, self._telling.events
        proxy = self._proxy(url, values.deadlines(settings.deadlines), Sizes())
        rehearsal = Rehearsal(proxy.name)
        asked = Rehearsed(proxy, rehearsal)
        limits = values.breaker(settings)
        checkup = Checkup(proxy.name, asked.look, values.health_check(self._loaded, url), events)
        shut = lambda: "" if checkup.is_up else f"does not pass its health check ({checkup.reason})"  # noqa: E731
        modules = Circuit(proxy.name, asked.alive, limits, events, service="modules", shut=shut)
        checksums = Circuit(proxy.name, asked.alive, limits, events, service="checksums", shut=shut)
        metrics.read(families.UPSTREAM_UP, modules.up, proxy.name)
        metrics.read(families.CHECKSUMS_UP, checksums.up, proxy.name)
        if checkup.is_on:
            metrics.read(families.HEALTHY, checkup.up, proxy.name)
        return Known(proxy.name, rehearsal, checkup, modules, checksums, GuardedFiles(asked, checksums, metrics))

    def _database(self, url: str) -> GuardedFiles:
        """A checksum database at its own URL."""
        if url not in self._databases:
            proxy = self._proxy(url, values.deadlines(self._settings.deadlines), Sizes())
            limits, events = values.breaker(self._settings), self._telling.events
            circuit = Circuit(proxy.name, proxy.alive, limits, events, service="checksums")
            self._databases[url] = GuardedFiles(proxy, circuit, self._telling.metrics), circuit
        return self._databases[url][0]

    def _last_resort(self, loaded: Loaded) -> LastResort | None:
        if loaded.fallback is None:
            return None
        root = tree_of(loaded.fallback)
        mirror = Directory(str(root), values.sizes(self._settings.limits), self._settings.deadlines.first_byte)
        return LastResort(mirror, root, self._telling.metrics, self._telling.events)

"""Routes: which chain, namespace, ages and rules hold for a module path, in each view.

Belongs here: what the tables `[[route]]` and `[view.NAME]` mean together with the top level, and why a path takes the
route that it takes. Not here: types and bounds (tables.py), asking anybody (source/).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from modgate.errors import Malformed, SetupError
from modgate.gomod.chain import Link, parse_chain
from modgate.gomod.pathmatch import PathPatterns
from modgate.gomod.patterns import Patterns
from modgate.gomod.redact import told
from modgate.settings.model import Ages, Deadlines, Limits, Settings
from modgate.settings.model import Route as Table
from modgate.settings.values import NAME

DEFAULT_VIEW = ""
"""What is served at the root."""
PUBLIC = "public"
"""The namespace of all that the public checksum database decides about."""
RESERVED = frozenset({"sumdb", "cached-only", "index", "catalog", "api", "health", "healthz", "readyz", "version"})
"""First segments of URLs that are no view (serve/target.py knows them too)."""
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
"""A header's name (RFC 9110 §5.1)."""
TAKEN = frozenset({"authorization", "host", "connection", "via", "content-length", "transfer-encoding"})
"""Headers that mean something else already."""


@dataclass(frozen=True, slots=True)
class Route:
    """What holds for the paths of one route."""

    place: str
    """Where it stands: `route[1]`, `view.team-a.route[2]`; `upstream` for what no other route matches."""
    match: PathPatterns
    exclude: PathPatterns
    chain: tuple[Link, ...] = field(repr=False)
    has_own_chain: bool
    """Whether the chain is another one than that of the top level."""
    private: bool
    namespace: str
    checksum: bool
    """Whether what is not private is verified with the checksum database."""
    forward_token: str
    ages: Ages
    deadlines: Deadlines
    limits: Limits


@dataclass(frozen=True, slots=True)
class Choice:
    """The route of a path, and why it is that one."""

    route: Route
    pattern: str
    """The one that names the path."""
    by_private: bool
    """Whether it is private only because a pattern of the setting `private` names it."""


@dataclass(frozen=True, slots=True)
class Routing:
    """The routes of one view, the last of which takes every path."""

    routes: tuple[Route, ...]
    guarded: tuple[Route, ...]
    """The same in their order, as they are for paths that the setting `private` names."""
    private: Patterns

    def choose(self, path: str) -> Choice:
        """The first route that takes `path`."""
        guarded = self.private.match(path)
        for route, private in zip(self.routes, self.guarded, strict=True):
            pattern = route.match.find(path)
            if pattern and not route.exclude.find(path):
                return Choice(private if guarded else route, pattern, guarded and not route.private)
        raise AssertionError("the last route takes every path")

    def of(self, path: str) -> Route:
        """The route that `path` takes."""
        return self.choose(path).route

    def all(self) -> Iterator[Route]:
        """Every route that any path may take."""
        yield from dict.fromkeys((*self.routes, *(self.guarded if self.private.globs else ())))

    def changed(self, chain: Callable[[Route], tuple[Link, ...]]) -> Routing:
        """The same with other chains."""
        routes = [replace(route, chain=chain(route)) for route in self.routes]
        guarded = [replace(one, chain=route.chain) for one, route in zip(self.guarded, routes, strict=True)]
        return replace(self, routes=tuple(routes), guarded=tuple(guarded))

    def as_go_does(self) -> Routing:
        """The same, with what the setting `private` names read directly unless a route has a chain of its own: where
        that setting is this machine's GONOPROXY, no proxy is to hear of those paths (protocol.md §1.5)."""
        guarded = [one if one.has_own_chain else replace(one, chain=(Link("direct", ","),)) for one in self.guarded]
        return replace(self, guarded=tuple(guarded))


def routings(settings: Settings, chain: tuple[Link, ...], private: Patterns) -> dict[str, Routing]:
    """The routes of each view, by its name; `chain` and `private` are those of the top level.

    Raises:
        SetupError: the first route that makes no sense.
    """
    made = {DEFAULT_VIEW: _routing(DEFAULT_VIEW, settings.route, settings, chain, private)}
    for name, view in settings.view.items():
        if name in RESERVED:
            raise SetupError(f"view.{name}", "is a path that means something else already", "give it another name")
        made[name] = _routing(name, view.route, settings, chain, private)
    return made


def _routing(
    view: str, tables: tuple[Table, ...], settings: Settings, chain: tuple[Link, ...], private: Patterns
) -> Routing:
    places = [f"{f'view.{view}.' if view else ''}route[{number}]" for number in range(1, len(tables) + 1)]
    whole = [*zip(places, tables, strict=True), ("upstream", Table(match=("**",)))]
    routes = tuple(_route(place, table, view, settings, chain) for place, table in whole)
    guarded = tuple(
        _route(place, replace(table, private=True, namespace="", freshness={}), view, settings, chain)
        if not table.private
        else route
        for (place, table), route in zip(whole, routes, strict=True)
    )
    return Routing(routes, guarded, private)


def _route(place: str, table: Table, view: str, settings: Settings, chain: tuple[Link, ...]) -> Route:
    own = f"{view}-private" if view else "private"
    base = settings.freshness.private if table.private else settings.freshness.public
    _judge(place, table, settings)
    return Route(
        place=place,
        match=_patterns(f"{place}.match", table.match),
        exclude=_patterns(f"{place}.exclude", table.exclude),
        chain=_chain(place, table.upstream) if table.upstream else chain,
        has_own_chain=bool(table.upstream),
        private=table.private,
        namespace=table.namespace or (own if table.private else PUBLIC),
        checksum=table.checksum,
        forward_token=table.forward_token.lower(),
        ages=replace(base, **table.freshness),
        deadlines=replace(settings.deadlines, **table.deadlines),
        limits=replace(settings.limits, **table.limits),
    )


def _judge(place: str, table: Table, settings: Settings) -> None:
    if not table.match:
        raise SetupError(f"{place}.match", "is empty", "name module paths, such as github.com/corp/*")
    if table.namespace and not table.private:
        problem = "is for private modules only: what is public is shared by all"
        raise SetupError(f"{place}.namespace", problem, "remove it, or set private = true")
    if table.namespace and (table.namespace == PUBLIC or not NAME.fullmatch(table.namespace)):
        problem = f"{table.namespace!r} is no name for one"
        raise SetupError(f"{place}.namespace", problem, "write letters a to z, digits and -; not public")
    if table.forward_token and not table.private:
        problem = "would share what one client may read with all others"
        raise SetupError(f"{place}.forward_token", problem, "set private = true on this route")
    if table.forward_token and (not HEADER.fullmatch(table.forward_token) or table.forward_token.lower() in TAKEN):
        problem = f"{table.forward_token!r} cannot be used"
        raise SetupError(f"{place}.forward_token", problem, "name a header of its own, such as X-Proxy-Token")
    if table.limits.get("zip", 0) > settings.limits.spool:
        raise SetupError(f"{place}.limits.zip", "is more than limits.spool", "a zip must fit into it")


def _chain(place: str, text: str) -> tuple[Link, ...]:
    try:
        return parse_chain(text)
    except Malformed as error:
        raise SetupError(f"{place}.upstream", told(error), "write it as GOPROXY: https://a.example,off") from error


def _patterns(name: str, texts: tuple[str, ...]) -> PathPatterns:
    try:
        return PathPatterns.parse(texts)
    except Malformed as error:
        remedy = "write github.com/corp/*, github.com/** or re:…"
        raise SetupError(name, f"malformed {error.what} {error.text!r}: {error.why}", remedy) from error


def ages_of(views: Mapping[str, Routing]) -> Iterator[tuple[str, Ages]]:
    """Every route's ages, with the name that they are told by."""
    for routing in views.values():
        for route in routing.routes[:-1]:
            yield f"{route.place}.freshness", route.ages

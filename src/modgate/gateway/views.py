"""The views of a process: for each its routes, and for each route what is remembered of its sources.

Belongs here: which route's source answers for a path. Not here: what the settings say of routes (settings/routing.py),
how one route's source is made (parts.py).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from modgate.cache.cached import CachedSource
from modgate.cache.passing import Passing
from modgate.errors import SetupError
from modgate.gateway import values
from modgate.gateway.parts import Shop, cached, passing
from modgate.gateway.upstreams import Upstreams
from modgate.gomod.pathmatch import PathPatterns
from modgate.observe import families
from modgate.settings.routing import Route, Routing
from modgate.source.base import Ask, Source
from modgate.source.chain import Unusable
from modgate.source.routed import Routed

NO_PATHS = PathPatterns()


class Views:
    """The sources of all views. `close` them."""

    def __init__(self, shop: Shop, upstreams: Upstreams) -> None:
        """Raises SetupError: a route has no source that this machine can ask."""
        self._shop = shop
        self._upstreams = upstreams
        self._sources: dict[tuple[str, Route], CachedSource | Passing] = {}
        self.sources: dict[str, Source] = {
            name: self._view(name, routing) for name, routing in shop.loaded.meaning.views.items()
        }
        """By name; "" is what is served at the root."""
        under_way = lambda: float(sum(one.under_way for one in self._kept))  # noqa: E731
        shop.telling.metrics.read(families.DOWNLOADS, under_way)

    @property
    def _kept(self) -> list[CachedSource]:
        return [one for one in self._sources.values() if isinstance(one, CachedSource)]

    @property
    def home(self) -> Source:
        """Each module as the view has it that speaks for it (Meaning.home)."""
        meaning = self._shop.loaded.meaning
        return Routed("modgate", lambda path: self._of(meaning.home(path), meaning.route(path)))

    async def close(self, grace: float = 0.0) -> None:
        """Let fetches end within `grace` seconds, all together, and cancel the rest."""
        await asyncio.gather(*(one.close(grace) for one in self._kept))

    def _view(self, view: str, routing: Routing) -> Source:
        for route in routing.all():
            self._keep(view, route, routing)
        return Routed(f"view {view}" if view else "modgate", lambda path: self._of(view, routing.of(path)))

    def _of(self, view: str, route: Route) -> Source:
        return self._sources[view, _alike(route)]

    def _keep(self, view: str, route: Route, routing: Routing) -> None:
        key = (view, _alike(route))
        if key in self._sources:
            return
        source = self._asking(route)

        def may_guess(ask: Ask) -> bool:
            return self._of(view, routing.of(ask.path)) is self._sources[key]

        if route.forward_token:
            self._sources[key] = passing(self._shop, route, source)
        else:
            self._sources[key] = cached(self._shop, view, route, source, may_guess)

    def _asking(self, route: Route) -> Source:
        deadlines, sizes = values.deadlines(route.deadlines), values.sizes(route.limits)
        try:
            chain = self._upstreams.chain(route.chain, deadlines=deadlines, sizes=sizes, forward=route.forward_token)
        except SetupError:
            if route.has_own_chain:
                raise
            # Nobody wrote this one: it follows from GOPRIVATE (Routing.as_go_does), and not every machine has git.
            return Unusable()
        return self._upstreams.source(chain, public=not route.private)


def _alike(route: Route) -> Route:
    """What makes a difference to the source of a route: routes that are alike in it share one."""
    return replace(route, place="", match=NO_PATHS, exclude=NO_PATHS, has_own_chain=False)

"""`modgate check --upstreams`: whether each place that the settings name can be reached, is trusted, and lets us in.

Belongs here: which places these are, and asking each of them one harmless question; nothing is stored, and no running
gateway is needed. Not here: ssh (reaching_ssh.py), how it is shown (cli/).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from urllib.parse import unquote, urlsplit

from modgate.errors import GatewayError, Unavailable
from modgate.gateway import values
from modgate.gateway.hosts import Outward
from modgate.gateway.reaching_ssh import Found, ssh_reached
from modgate.gomod.gosumdb import DatabaseSpec
from modgate.net.broken import is_about_trust
from modgate.net.client import Client
from modgate.net.credentials import Form
from modgate.net.url import Target, target_of
from modgate.observe.metrics import Metrics
from modgate.settings.loaded import Loaded
from modgate.settings.outside import Outside

HARMLESS = "rsc.io/quote/@v/list"
"""What upstreams are asked for: small, public, and as well if it is not there."""
DATABASE = "checksum database"
REFUSED = frozenset({401, 403, 407})
IDENTITY = "0"
"""Ours in Via headers; no gateway has this one."""


Look = Callable[[], Awaitable[Found]]


async def reached(loaded: Loaded, told: Callable[[Found], None]) -> None:
    """Ask all places at once; `told` hears what came of each, in the order of the settings."""
    async with AsyncExitStack() as stack:
        places = _Places(loaded, Outward(stack, loaded, Metrics(), IDENTITY))
        async with asyncio.TaskGroup() as group:
            looks = [group.create_task(_timed(look)) for look in places.all()]
            for look in looks:
                told(await look)


async def _timed(look: Look) -> Found:
    began = asyncio.get_running_loop().time()
    found = await look()
    return replace(found, seconds=asyncio.get_running_loop().time() - began)


class _Places:
    """The places that the settings name."""

    def __init__(self, loaded: Loaded, outward: Outward) -> None:
        self._loaded = loaded
        self._deadlines = values.deadlines(loaded.settings.deadlines)
        self._rules = outward.rules
        self._plain, self._git = outward.client(), outward.client(form=Form.GIT)

    def all(self) -> Iterator[Look]:
        """A look at each, once."""
        links = {link.url: link for route in self._loaded.meaning.routes() for link in route.chain}
        for url, link in links.items():
            if link.is_http:
                yield partial(self._page, "upstream", url, f"/{HARMLESS}", self._plain)
            elif urlsplit(url).scheme == "file":
                yield partial(_directory, url)
        specs = {spec.name: spec for spec in (self._loaded.meaning.checksum, *self._loaded.meaning.databases) if spec}
        for spec in specs.values():
            yield partial(self._database, spec)
        for one in self._loaded.meaning.outside:
            if not one.place.host.startswith("*.") and not any(one.place.covers(url) for url in links):
                yield from self._host(one)

    def _host(self, one: Outside) -> Iterator[Look]:
        place = one.place
        port = f":{place.port}" if place.port else ""
        if one.host.ssh_key is None or one.host.password or one.host.token or one.host.github_app:
            url = f"{place.scheme or 'https'}://{place.host}{port}{place.path}"
            yield partial(self._page, "git host", url, "", self._git)
        if one.host.ssh_key is not None:
            yield partial(ssh_reached, f"ssh://git@{place.host}{port}{place.path}", self._rules)

    async def _page(self, what: str, url: str, name: str, client: Client) -> Found:
        """Whether a page can be had; what stands on it does not matter."""
        base = target_of(url)
        shown = base.url
        try:
            async with AsyncExitStack() as stack, asyncio.timeout(self._deadlines.total_small):
                target = Target(base.url.rstrip("/") + name, base.authorization)
                response = await client.get(stack, target, self._deadlines, upstream=shown)
        except GatewayError as error:
            was_reached, way = isinstance(error, Unavailable) and is_about_trust(error), self._way(url)
            return Found(what, shown, error.reason, reachable=was_reached, trusted=False, accepted=False, way=way)
        except TimeoutError:
            problem = f"did not answer within {self._deadlines.total_small:g} s"
            return Found(what, shown, problem, reachable=False, trusted=False, accepted=False, way=self._way(url))
        way, status = response.way, response.status
        if status in REFUSED:
            problem = f"answered {status}{name and f' to {name}'}: {self._hint(url)}"
            return Found(what, shown, problem, accepted=False, way=way)
        wanted = status == 200 or (status < 500 and what != DATABASE)
        return Found(what, shown, "" if wanted else f"answered {status}", way=way)

    async def _database(self, spec: DatabaseSpec) -> Found:
        """A checksum database, by the first upstream that relays it, else at its own address."""
        for link in () if spec.url else self._loaded.meaning.chain:
            if link.is_http and await self._relays(link.url, spec.name):
                found = await self._page(DATABASE, link.url, f"/sumdb/{spec.name}/latest", self._plain)
                return replace(found, name=f"{spec.name} by {found.name}")
        found = await self._page(DATABASE, spec.url or f"https://{spec.name}", "/latest", self._plain)
        return replace(found, name=spec.name)

    async def _relays(self, url: str, name: str) -> bool:
        base = target_of(url)
        target = Target(f"{base.url.rstrip('/')}/sumdb/{name}/supported", base.authorization)
        try:
            async with AsyncExitStack() as stack:
                response = await self._plain.get(stack, target, self._deadlines, upstream=base.url)
                return response.status == 200
        except GatewayError:
            return False

    def _hint(self, url: str) -> str:
        named = "its URL" if target_of(url).authorization else self._rules.named(url)
        if named:
            return f"it does not accept the credentials of {named}"
        return "if it wants credentials, give it a [[host]]"

    def _way(self, url: str) -> str:
        return self._rules.proxies(target_of(url).url)[0].shown


async def _directory(url: str) -> Found:
    if os.access(unquote(urlsplit(url).path), os.R_OK | os.X_OK):
        return Found("upstream", url)
    problem = "is no directory that can be read"
    return Found("upstream", url, problem, reachable=False, trusted=False, accepted=False)

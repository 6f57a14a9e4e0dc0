"""Several mirrors measured on the same modules, without a gateway that runs.

Each mirror is asked for the list, .info, go.mod file and zip of each module, one after the other, so that no mirror is
measured under a load that another one did not have. Nothing is kept.

Belongs here: asking and timing. Not here: what the figures come to (upstreams_ranking.py).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from urllib.parse import quote

from modgate.errors import GatewayError, Malformed
from modgate.gateway import values
from modgate.gateway.hosts import Outward
from modgate.gateway.upstreams_ranking import Figures, Sight, Taken, figures
from modgate.gomod.dirhash import h1_of_mod
from modgate.gomod.versions import listed
from modgate.gomod.wanted import Wanted
from modgate.gomod.ziphash import hash_zip
from modgate.net.client import Client
from modgate.net.response import Response
from modgate.net.url import Target, target_of
from modgate.observe.metrics import Metrics
from modgate.settings.loaded import Loaded
from modgate.source.base import Ask, Kind
from modgate.source.goproxy import UNQUOTED

KINDS = (Kind.LIST, Kind.INFO, Kind.MOD, Kind.ZIP)
SMALL = 65536
"""Bytes of an answer that only has to be there."""


async def measured(
    loaded: Loaded, urls: Sequence[str], modules: Sequence[Wanted], progress: Callable[[], None]
) -> list[Figures]:
    """The figures of each mirror, in the order of `urls`; `progress` is called for each module of each."""
    async with AsyncExitStack() as stack:
        client = Outward(stack, loaded, Metrics(), "compare").client()
        return figures(await compared(loaded, client, urls, modules, progress))


async def compared(
    loaded: Loaded, client: Client, urls: Sequence[str], modules: Sequence[Wanted], progress: Callable[[], None]
) -> list[Sight]:
    """What was seen of each mirror."""
    database = loaded.meaning.checksum.name if loaded.meaning.checksum is not None else "sum.golang.org"
    async with asyncio.TaskGroup() as group:
        looks = [
            group.create_task(_Look(loaded, client, url.rstrip("/")).all(modules, database, progress)) for url in urls
        ]
    return [look.result() for look in looks]


class _Look:
    """One mirror."""

    def __init__(self, loaded: Loaded, client: Client, url: str) -> None:
        self._client = client
        self._base = target_of(url)
        self._deadlines = values.deadlines(loaded.settings.deadlines)
        self._sizes = values.sizes(loaded.settings.limits)

    async def all(self, modules: Sequence[Wanted], database: str, progress: Callable[[], None]) -> Sight:
        # These come first: the first request of all pays for what all of them use.
        sight = Sight(self._base.url, wants_slash=await self._wants_slash())
        sight.supports_checksums = await self._status(f"sumdb/{database}/supported") == 200
        for module in modules:
            for kind in KINDS:
                sight.taken.append(await self._take(module, kind))
            progress()
        return sight

    async def _take(self, module: Wanted, kind: Kind) -> Taken:
        version = "" if kind is Kind.LIST else module.version
        ask, began = Ask(kind, module.path, version), time.monotonic()
        try:
            async with AsyncExitStack() as stack, asyncio.timeout(self._deadlines.total):
                response = await self._request(stack, ask.name)
                first = time.monotonic() - began
                data = await response.read(self._sizes.of(kind)) if response.status == 200 else b""
        except (GatewayError, TimeoutError):
            return Taken(str(module), kind, 0, time.monotonic() - began, 0.0)
        whole = time.monotonic() - began
        if response.status != 200:
            return Taken(str(module), kind, response.status, first, whole)
        content = await asyncio.to_thread(_content, ask, data)
        return Taken(str(module), kind, 200, first, whole, len(data), content)

    async def _status(self, name: str) -> int:
        try:
            async with AsyncExitStack() as stack:
                response = await self._request(stack, name)
                return response.status
        except GatewayError:
            return 0

    async def _wants_slash(self) -> bool:
        """Whether the URL itself is answered only with a slash at its end: then a health check needs one too."""
        plain, slashed = await self._page(""), await self._page("/")
        return slashed[0] == 200 and plain != slashed

    async def _page(self, ending: str) -> tuple[int, bool]:
        """Status, and whether it was answered where it was asked."""
        target = Target(self._base.url + ending, self._base.authorization)
        try:
            async with AsyncExitStack() as stack:
                response = await self._client.get(stack, target, self._deadlines, upstream=self._base.url)
                return response.status, response.url == target.place
        except GatewayError:
            return 0, False

    async def _request(self, stack: AsyncExitStack, name: str) -> Response:
        target = Target(f"{self._base.url}/{quote(name, safe=UNQUOTED)}", self._base.authorization)
        return await self._client.get(stack, target, self._deadlines, upstream=self._base.url)


def _content(ask: Ask, data: bytes) -> tuple[str, ...]:
    """What mirrors have to agree on: the versions of a list, else one hash; "" where it is not what it should be."""
    try:
        match ask.kind:
            case Kind.LIST:
                return tuple(listed(data, ask.path))
            case Kind.MOD:
                return (h1_of_mod(data),)
            case Kind.ZIP:
                read = lambda offset, length: data[offset : offset + length]  # noqa: E731
                return (hash_zip(read, len(data), ask.path, ask.version, {}).h1,)
            case _:
                return ()
    except Malformed:
        return ("",)

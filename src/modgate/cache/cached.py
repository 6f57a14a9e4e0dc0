"""Everything that is remembered of one source, in one namespace: the source that the cache makes of it."""

from __future__ import annotations

import asyncio

from modgate.cache.ahead import Ahead
from modgate.cache.answers import Answers
from modgate.cache.artifacts import Artifacts
from modgate.cache.zips import Zips
from modgate.errors import Absent
from modgate.gomod.pseudo import is_pseudo
from modgate.gomod.versions import fits, is_canonical
from modgate.source.base import Answer, Ask, Kind, Terms
from modgate.storage.namespace import Namespace


class CachedSource:
    """Sends each ask to the part that remembers its kind of answer."""

    def __init__(self, store: Namespace, answers: Answers, artifacts: Artifacts | Ahead, zips: Zips) -> None:
        self._store = store
        self._answers = answers
        self._artifacts = artifacts
        self._zips = zips

    @property
    def name(self) -> str:
        return self._answers.name

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        if not self._store.tree.holds(ask.name):
            raise Absent(asked=str(ask), reason="has a name that is longer than any file system takes")
        match ask.kind:
            case Kind.ZIP:
                return await self._zips.get(ask, terms)
            case Kind.MOD:
                return await self._artifacts.get(ask, terms)
            case Kind.INFO if is_canonical(ask.version) and fits(ask.path, ask.version):
                return await self._artifacts.get(ask, terms)
            case _:
                # A canonical version that does not fit the path is a question too: its answer names another version.
                return await self._answers.get(ask, terms)

    @property
    def under_way(self) -> int:
        """How many zips are being fetched."""
        return self._zips.under_way

    async def close(self, grace: float = 0.0) -> None:
        """Let fetches end within `grace` seconds, all of them together, and cancel the rest: they may expire lists, so
        those come last."""
        loop = asyncio.get_running_loop()
        end = loop.time() + grace
        for part in (self._zips, self._artifacts, self._answers):
            await part.close(max(0.0, end - loop.time()))


def lists_to_expire(ask: Ask) -> tuple[Ask, ...]:
    """The answers that have to tell of the version that `ask` brought: none for a pseudo-version, which no list
    holds."""
    if is_pseudo(ask.version):
        return ()
    return (Ask(Kind.LIST, ask.path),)

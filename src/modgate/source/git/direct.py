"""`direct` in a chain: modules out of the repositories that their paths name.

Belongs here: which repository is asked, and what happens when its mirror is damaged. Not here: what it says
(answers.py), how zips are made (archive.py).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Protocol

from modgate.errors import Absent, GatewayError, Malformed, Trouble, Unavailable
from modgate.gomod import ModulePath
from modgate.gomod.modzip import GO_LIMITS, ZipLimits
from modgate.source.base import Answer, Arriving, Ask, Freshness, Kind, Ready, Source, Terms
from modgate.source.git.answers import Answers
from modgate.source.git.archive import Plan, packed, planned
from modgate.source.git.mirror import Unfiltered
from modgate.source.git.mirrors import Mirrors
from modgate.source.git.module import Module
from modgate.source.git.objects import Damaged
from modgate.source.git.revision import Repository

LOCAL_QUERIES = frozenset({"latest", "upgrade", "patch"})
"""Queries that go commands never send: they answer them from the list (protocol.md §1.4)."""
ATTEMPTS = 3
"""A damaged mirror is made anew once, and once more without filters."""


@dataclass(frozen=True, slots=True)
class Root:
    """The repository that a module lies in."""

    path: str
    """The module path that stands for the repository's root."""
    url: str
    """Without credentials."""
    subdirectory: str = ""
    """Of the repository, that `path` stands for."""


@dataclass(frozen=True, slots=True)
class ProxyBase:
    """A host that hands its modules out by the GOPROXY protocol instead."""

    url: str


class Finder(Protocol):
    """Who knows where a module lies."""

    async def find(self, path: ModulePath, *, refresh: bool = False) -> Root | ProxyBase:
        """The repository of `path`, or the proxy that its host sends us to.

        Raises:
            Absent, Forbidden, Unavailable.
        """


@dataclass(frozen=True, slots=True)
class Manner:
    """How `Direct` answers."""

    limits: ZipLimits = GO_LIMITS
    refs_age: float = 1.0
    """Seconds for which branches and tags are taken as they were told last, unless the ask wants them anew: a go
    command that probes every prefix of a path costs one look."""
    origin_url: bool = True
    """Whether .info files name the repository: its host may be nobody's business."""


class Direct:
    """Answers from repositories, or from the proxies that hosts name instead."""

    def __init__(
        self, finder: Finder, mirrors: Mirrors, proxy: Callable[[str], Source], manner: Manner | None = None
    ) -> None:
        """`proxy` gives the source for a GOPROXY base URL."""
        self._finder = finder
        self._mirrors = mirrors
        self._proxy = proxy
        self._manner = manner or Manner()

    @property
    def name(self) -> str:
        return "direct"

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        try:
            if ask.kind is Kind.INFO and ask.version in LOCAL_QUERIES:
                raise Absent(reason=f"{ask.version} is no version: go commands find it in the list")
            place = await self._finder.find(ask.path, refresh=terms.freshness is Freshness.REFRESH)
            if isinstance(place, ProxyBase):
                return await self._proxy(place.url).get(ask, terms)
            return await self._repaired(ask, terms, place)
        except GatewayError as error:
            error.asked = error.asked or str(ask)
            error.source = error.source or self.name
            raise
        except OSError as error:
            reason = f"its mirrors here cannot be used ({os.strerror(error.errno or 0).lower()})"
            raise Unavailable(asked=str(ask), source=self.name, reason=reason, trouble=Trouble.OURS) from error

    async def _repaired(self, ask: Ask, terms: Terms, root: Root) -> Answer:
        """The answer, after making a damaged mirror anew."""
        try:
            module = Module.of(ask.path, root.path, root.subdirectory)
        except Malformed as error:
            raise Absent(source=root.url, reason=error.why) from error
        generation = 0
        for _ in range(ATTEMPTS):
            try:
                async with AsyncExitStack() as stack:
                    mirror = await stack.enter_async_context(self._mirrors.using(root.url))
                    generation = mirror.generation
                    repository = Repository(mirror, self._since(terms))
                    return await self._answer(ask, terms, repository, module, stack)
            except Damaged as error:
                await self._mirrors.discard(root.url, generation, whole=isinstance(error, Unfiltered))
        reason = "its mirror here is damaged, and could not be made anew"
        raise Unavailable(source=root.url, reason=reason, trouble=Trouble.OURS)

    async def _answer(
        self, ask: Ask, terms: Terms, repository: Repository, module: Module, stack: AsyncExitStack
    ) -> Answer:
        answers = Answers(repository, module, origin_url=self._manner.origin_url)
        match ask.kind:
            case Kind.LIST:
                return Answer(ask, Ready(await answers.list()), source=self.name)
            case Kind.MOD:
                data = await answers.mod(ask.version)
                return Answer(ask, Ready(data), version=ask.version, source=self.name)
            case Kind.LATEST | Kind.INFO:
                latest = ask.kind is Kind.LATEST
                resolved = await (answers.latest() if latest else answers.resolved(ask.version))
                return Answer(ask, Ready(answers.info(resolved)), version=resolved.version, source=self.name)
            case _:
                return await self._zip(ask, terms, repository, module, answers, stack)

    async def _zip(
        self,
        ask: Ask,
        terms: Terms,
        repository: Repository,
        module: Module,
        answers: Answers,
        stack: AsyncExitStack,
    ) -> Answer:
        resolved = await answers.exactly(ask.version)
        place = await answers.place(resolved)
        if terms.body:
            plan = await planned(repository, module, resolved.revision.commit, place, ask.version, self._manner.limits)
            # From here on the mirror is in use until the last byte is out.
            chunks = self._owned(stack.pop_all(), plan)
            await anext(chunks)
        else:
            chunks = _nothing()
        return Answer(ask, Arriving(chunks, url=repository.url), version=ask.version, source=self.name)

    async def _owned(self, stack: AsyncExitStack, plan: Plan) -> AsyncGenerator[bytes, None]:
        """The first piece is empty, for a generator that was never begun frees nothing when it is closed."""
        url, generation = plan.repository.url, plan.repository.mirror.generation
        try:
            async with stack:
                yield b""
                async for chunk in packed(plan):
                    yield chunk
        except Damaged as error:
            await self._mirrors.discard(url, generation)
            reason = "its mirror here is damaged, and is made anew"
            raise Unavailable(source=url, reason=reason, trouble=Trouble.CONNECTION, again=True) from error

    def _since(self, terms: Terms) -> float:
        now = asyncio.get_running_loop().time()
        return now if terms.freshness is Freshness.REFRESH else now - self._manner.refs_age


async def _nothing() -> AsyncGenerator[bytes, None]:
    return
    yield b""

"""The world of a verifying client, in memory: ways that deliver, a place to keep files, one remembered head."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from modgate.errors import Corrupt, GatewayError, Trouble, Unavailable
from modgate.source.chain import gravity
from tests.checksum.log import Serve

T = TypeVar("T")


@dataclass
class Way:
    """One way to the database."""

    name: str
    serve: Serve
    asked: list[str] = field(default_factory=list)
    is_down: bool = False

    async def get(self, name: str) -> bytes:
        self.asked.append(name)
        await asyncio.sleep(0)  # others go on meanwhile
        if self.is_down:
            raise Unavailable(asked=name, source=self.name, reason="refuses", trouble=Trouble.CONNECTION)
        return self.serve(name)


@dataclass
class Shared:
    """What several clients, or one after a restart, have in common."""

    files: dict[str, bytes] = field(default_factory=dict)
    head: bytes | None = None


class MemoryOps:
    """An Ops without network and disk."""

    def __init__(self, *ways: Way, shared: Shared | None = None) -> None:
        self.ways = list(ways)
        self.shared = shared or Shared()
        self.told: list[Corrupt] = []
        """The ways that were found to lie."""
        self.dropped: list[str] = []
        self.is_full = False

    async def fetch(self, name: str, use: Callable[[bytes, str], T]) -> T:
        worst: GatewayError | None = None
        for way in self.ways:
            try:
                return use(await way.get(name), way.name)
            except GatewayError as error:
                if isinstance(error, Corrupt):
                    self.told.append(error)
                if worst is None or gravity(error) > gravity(worst):
                    worst = error
        raise worst or Unavailable(asked=name, reason="has no way")

    async def kept(self, name: str) -> bytes | None:
        await asyncio.sleep(0)
        return self.shared.files.get(name)

    async def keep(self, name: str, data: bytes) -> None:
        await asyncio.sleep(0)
        if self.is_full:
            raise Unavailable(asked=name, reason="the disk is full", trouble=Trouble.OURS)
        self.shared.files[name] = data

    async def drop(self, name: str) -> None:
        await asyncio.sleep(0)
        self.dropped.append(name)
        self.shared.files.pop(name, None)

    async def head(self) -> bytes | None:
        await asyncio.sleep(0)
        return self.shared.head

    async def advance(self, old: bytes | None, new: bytes) -> bool:
        await asyncio.sleep(0)
        if self.is_full:
            raise Unavailable(reason="the disk is full", trouble=Trouble.OURS)
        if self.shared.head != old:
            return False
        self.shared.head = new
        return True

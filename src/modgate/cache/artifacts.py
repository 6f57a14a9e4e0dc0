"""The small immutable files of a module: .info of a canonical version, and .mod. One may exist without the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from modgate.cache.answers import Rules
from modgate.cache.changing import Obtained
from modgate.cache.evidence import UNCHECKED, Check, Complete, Verifier, is_unverified
from modgate.cache.smallfiles import Item, SmallFiles
from modgate.gomod.dirhash import h1_of_mod
from modgate.gomod.info import info_identity
from modgate.source.base import Answer, Ask, Kind, Ready, Source, Terms
from modgate.source.wellformed import formed
from modgate.storage.records import ArtifactRow

LARGE = 65536
"""Bytes from which a file is answered from the disk: nearly every .info and .mod is smaller."""

OnStored = Callable[[Ask], Awaitable[None]]
"""Told of each version that was fetched, before anybody gets it: a list that lacks it is out of date."""


class Artifacts:
    """A source that keeps the small immutable files of another one."""

    def __init__(
        self,
        source: Source,
        files: SmallFiles,
        rules: Callable[[str], Rules],
        checks: Sequence[Check],
        on_stored: OnStored,
        verifier: Verifier = UNCHECKED,
    ) -> None:
        self._source = source
        self._files = files
        self._rules = rules
        self._checks = tuple(checks)
        self._on_stored = on_stored
        self._verifier = verifier

    @property
    def name(self) -> str:
        return self._source.name

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        rules = self._rules(ask.path)
        small, cached, stamp = await self._files.get(self._item(ask, rules), terms)
        row = small.row
        return Answer(
            ask,
            # A slow client of a large one costs a descriptor then, and not its bytes.
            small.file if small.file is not None and row.size > LARGE else Ready(small.data),
            version=ask.version,
            digest=row.sha256,
            fetched=row.stored,
            source=row.source,
            cached=cached,
            private=rules.private,
            stamp=None if is_unverified(row.evidence) else stamp,
        )

    async def close(self, grace: float = 0.0) -> None:
        """Let fetches end within `grace` seconds and cancel the rest."""
        await self._files.close(grace)

    def _item(self, ask: Ask, rules: Rules) -> Item:
        verifier = self._verifier

        async def obtain() -> Obtained:
            await verifier.prepare(ask)
            answer = await self._source.get(ask, Terms())
            assert isinstance(answer.body, Ready)
            return Obtained(answer.body.data, answer.version, answer.source)

        async def check(row: ArtifactRow) -> str:
            complete = Complete(ask, row.size, row.sha256, row.h1, row.source)
            for one in self._checks:
                await one(complete)
            return await verifier.verify(complete)

        return Item(
            name=ask.name,
            label=str(ask),
            kind=ask.kind,
            topic=ask.path,
            absent=rules.ages.absent(ask.kind),
            obtain=obtain,
            formed=lambda data: formed(ask, data, "the store"),
            h1=h1_of_mod if ask.kind is Kind.MOD else info_identity,
            check=check,
            stored=lambda: self._on_stored(ask),
            holds=lambda evidence: verifier.holds(ask, evidence),
            outranks=verifier.outranks,
        )

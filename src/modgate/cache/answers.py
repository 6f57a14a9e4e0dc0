"""What may change about a module: its list, @latest, and what a branch, a commit or a foreign version names now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from modgate.cache.changing import Changing, Obtained, Question
from modgate.cache.freshness import Ages
from modgate.source.base import Answer, Ask, Ready, Source, Terms


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for a module path."""

    ages: Ages
    private: bool


class Answers:
    """A source that keeps the last good answers of another one."""

    def __init__(self, source: Source, changing: Changing, rules: Callable[[str], Rules]) -> None:
        self._source = source
        self._changing = changing
        self._rules = rules

    @property
    def name(self) -> str:
        return self._source.name

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        rules = self._rules(ask.path)

        async def obtain() -> Obtained:
            answer = await self._source.get(ask, Terms())
            assert isinstance(answer.body, Ready)
            written = answer.fetched if answer.makeshift else None
            return Obtained(answer.body.data, answer.version, answer.source, written)

        absent = rules.ages.absent(ask.kind)
        told = await self._changing.get(Question(ask.name, str(ask), ask.path, rules.ages, absent, obtain), terms)
        row = told.row
        return Answer(
            ask,
            Ready(row.body),
            version=row.version,
            fetched=row.fetched,
            source=row.source,
            cached=told.cached,
            fresh_until=row.fetched + rules.ages.fresh,
            private=rules.private,
            stamp=told.stamp,
        )

    async def expire(self, ask: Ask, version: str) -> None:
        """`version` was fetched: an answer to `ask` that lacks it is out of date."""
        await self._changing.expire(ask.name, ask.path, version)

    async def close(self, grace: float = 0.0) -> None:
        """Let fetches end within `grace` seconds and cancel the rest."""
        await self._changing.close(grace)

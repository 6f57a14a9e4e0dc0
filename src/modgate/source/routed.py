"""A source that hands each ask to the one that its path's route names."""

from __future__ import annotations

from collections.abc import Callable

from modgate.source.base import Answer, Ask, Source, Terms


class Routed:
    """The routes of one view."""

    def __init__(self, name: str, choose: Callable[[str], Source]) -> None:
        """`choose` gives the source of a module path, the same for the same path."""
        self._name = name
        self._choose = choose

    @property
    def name(self) -> str:
        return self._name

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        return await self._choose(ask.path).get(ask, terms)

"""Checks, from a complete artifact to its evidence or an error; and the one whose evidence lasts, a Verifier.

Belongs here: what the cache needs of checks. Not here: whom they ask (checksum/).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from modgate.source.base import Ask

UNVERIFIED = '{"unverified":'
"""How evidence begins that says only why there is none."""


@dataclass(frozen=True, slots=True)
class Complete:
    """An artifact whose last byte has come, whose form has been checked, and which nobody has seen the end of yet."""

    ask: Ask
    size: int
    sha256: str
    h1: str
    """"" for .info."""
    source: str


Check = Callable[[Complete], Awaitable[str]]
"""Returns its evidence as a JSON object, or "". Raises Corrupt if the artifact is not what it should be, Unavailable if
that could not be found out; either way nothing is committed."""


class Verifier(Protocol):
    """Says whether an artifact is what everybody else gets. Its evidence is kept in the artifact's row."""

    async def prepare(self, ask: Ask) -> None:
        """Its download is about to begin: what will be needed to verify it is fetched meanwhile. Returns at once,
        unless it is doubtful whether that can be had: nothing is to be downloaded in vain.

        Raises:
            Fork, Unavailable: it could not be verified.
        """

    def holds(self, ask: Ask, evidence: str) -> bool:
        """Whether a stored artifact with this evidence may be served as it is; asked at each look, so it is quick."""

    async def verify(self, complete: Complete) -> str:
        """The evidence; "" for what needs none.

        Raises:
            Mismatch: it is another artifact.
            Fork, Unavailable: it cannot be found out; says nothing about the artifact.
        """

    def outranks(self, evidence: str, other: str) -> bool:
        """Whether an artifact with `evidence` takes the place of one with `other` evidence and other content."""


class Unchecked:
    """A verifier that needs no evidence."""

    async def prepare(self, ask: Ask) -> None:
        """Nothing will be needed."""

    def holds(self, ask: Ask, evidence: str) -> bool:
        return True

    async def verify(self, complete: Complete) -> str:
        return ""

    def outranks(self, evidence: str, other: str) -> bool:
        return False


UNCHECKED = Unchecked()


class Only:
    """A verifier of some artifacts, by another one; all others need no evidence."""

    def __init__(self, verifier: Verifier, needs: Callable[[Ask], bool]) -> None:
        self._verifier = verifier
        self._needs = needs

    async def prepare(self, ask: Ask) -> None:
        """See Verifier."""
        if self._needs(ask):
            await self._verifier.prepare(ask)

    def holds(self, ask: Ask, evidence: str) -> bool:
        return not self._needs(ask) or self._verifier.holds(ask, evidence)

    async def verify(self, complete: Complete) -> str:
        return await self._verifier.verify(complete) if self._needs(complete.ask) else ""

    def outranks(self, evidence: str, other: str) -> bool:
        return self._verifier.outranks(evidence, other)


def is_unverified(evidence: str) -> bool:
    """Whether it was let through without proof: no copy of it may outlive the next look."""
    return evidence.startswith(UNVERIFIED)

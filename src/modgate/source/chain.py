"""GOPROXY's fallback: which source is asked next, and what is said when none answers (protocol.md §1.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modgate.errors import Absent, Corrupt, Forbidden, GatewayError, Unavailable
from modgate.source.base import Answer, Ask, Source, Terms


@dataclass(frozen=True, slots=True)
class Member:
    """A source and the separator behind it."""

    source: Source
    after: str = ","
    """"," goes on only when it is absent, "|" after every error."""


def gravity(error: GatewayError) -> int:
    """How bad an error is: when nothing answers, the worst is reported; absence only if every source said so."""
    match error:
        case Corrupt():
            return 3
        case Forbidden():
            return 2
        case Absent():
            return 0
        case _:
            return 1


class Chain:
    """Asks its members in order."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = tuple(members)

    @property
    def name(self) -> str:
        return "".join(f"{member.source.name}{member.after}" for member in self._members)[:-1]

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        worst: GatewayError | None = None
        for member in self._members:
            if self._spent(member, terms):
                # It has the file, so nobody's absence is the whole truth.
                reason = "broke off in the middle of it, again and again"
                worst = worst or Unavailable(asked=str(ask), source=member.source.name, reason=reason)
                continue
            try:
                return await member.source.get(ask, terms)
            except GatewayError as error:
                if worst is None or gravity(error) > gravity(worst):
                    worst = error
                if member.after != "|" and not isinstance(error, Absent):
                    break
        assert worst is not None, "a chain has members, and the last one is always asked"
        raise worst

    def _spent(self, member: Member, terms: Terms) -> bool:
        """Whether a download that this member broke goes on elsewhere: only where the chain allows it after any
        error."""
        if terms.resume is None or member is self._members[-1]:
            return False
        return member.after == "|" and member.source.name in terms.resume.broken


class Off:
    """`off` in a chain: nothing exists here."""

    @property
    def name(self) -> str:
        return "off"

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        raise Absent(
            asked=str(ask), source=self.name, reason="module look-up is disabled by `off` in the upstream chain"
        )

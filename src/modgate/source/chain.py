"""GOPROXY's fallback: which source is asked next, and what is said when none answers (protocol.md §1.5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from modgate.errors import Absent, Corrupt, Forbidden, GatewayError, Trouble, Unavailable
from modgate.source.base import Answer, Arriving, Ask, Source, Terms
from modgate.source.hedge import Attempt, Failed, first_good


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


def worst(errors: Sequence[GatewayError]) -> GatewayError:
    """Of several errors the one to report: the first of the worst ones."""
    return max(errors, key=gravity)


class Chain:
    """Asks its members in order; behind `|` also when the one before has said nothing for a while."""

    def __init__(self, members: Sequence[Member], hedge: float = 0.0) -> None:
        """`hedge` is in seconds, to the first byte of a zip or the whole of a small file; 0.0 for never."""
        self._members = tuple(members)
        self._hedge = hedge

    @property
    def name(self) -> str:
        return "".join(f"{member.source.name}{member.after}" for member in self._members)[:-1]

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        asked = [member for member in self._members if not self._spent(member, terms)]
        if len(asked) == 1 == len(self._members):
            return await asked[0].source.get(ask, terms)
        outcome = await first_good([_attempt(member, ask, terms) for member in asked], self._hedge, _closed)
        if not isinstance(outcome, Failed):
            return outcome
        # One that has the file and was not asked again: nobody's absence is the whole truth.
        raise worst([*self._broken(ask, terms), *outcome.errors])

    def _spent(self, member: Member, terms: Terms) -> bool:
        """Whether a download that this member broke goes on elsewhere: only where the chain allows it after any
        error."""
        if terms.resume is None or member is self._members[-1]:
            return False
        return member.after == "|" and member.source.name in terms.resume.broken

    def _broken(self, ask: Ask, terms: Terms) -> list[Unavailable]:
        reason = "broke off in the middle of it, again and again"
        return [
            Unavailable(asked=str(ask), source=member.source.name, reason=reason)
            for member in self._members
            if self._spent(member, terms)
        ]


def _attempt(member: Member, ask: Ask, terms: Terms) -> Attempt[Answer]:
    goes_on: Callable[[GatewayError], bool] = lambda error: member.after == "|" or isinstance(error, Absent)  # noqa: E731
    return Attempt(lambda: member.source.get(ask, terms), goes_on, hedged=member.after == "|")


async def _closed(answer: Answer) -> None:
    if isinstance(answer.body, Arriving):
        await answer.body.chunks.aclose()


class Unusable:
    """`direct` where this machine has no git for it: nobody knows what exists."""

    @property
    def name(self) -> str:
        return "direct"

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        raise Unavailable(
            asked=str(ask),
            source=self.name,
            reason="is to be read from its own host, and this machine has no git that can do it: install git, or give "
            "the module a [[route]] with another upstream",
            trouble=Trouble.OURS,
        )


class Off:
    """`off` in a chain: nothing exists here."""

    @property
    def name(self) -> str:
        return "off"

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        raise Absent(
            asked=str(ask), source=self.name, reason="module look-up is disabled by `off` in the upstream chain"
        )

"""Which source is asked next, and what is said when none answers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from modgate.errors import Absent, Corrupt, Forbidden, GatewayError, Unavailable
from modgate.gomod.paths import check_path
from modgate.source.base import Answer, Ask, Kind, Ready, Resume, Terms
from modgate.source.chain import Chain, Member, Off

ASK = Ask(Kind.INFO, check_path("example.com/m"), "v1.0.0")


class Says:
    """A source that always says the same."""

    def __init__(self, name: str, error: GatewayError | None = None) -> None:
        self.name = name
        self.asked = 0
        self._error = error

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        self.asked += 1
        if self._error is not None:
            raise self._error
        return Answer(ask, Ready(b"{}"), source=self.name)


def said(word: str, name: str) -> Says:
    errors: dict[str, GatewayError | None] = {
        "absent": Absent(reason=name),
        "down": Unavailable(reason=name),
        "forbidden": Forbidden(reason=name),
        "corrupt": Corrupt(reason=name),
        "well": None,
    }
    return Says(name, errors[word])


@pytest.mark.parametrize(
    ("chain", "outcome", "asked"),
    [
        (["well ,", "well ,"], "A", [1, 0]),
        (["absent ,", "well ,"], "B", [1, 1]),
        (["absent |", "well ,"], "B", [1, 1]),
        (["down ,", "well ,"], Unavailable, [1, 0]),  # "," stops at trouble
        (["down |", "well ,"], "B", [1, 1]),
        (["forbidden ,", "well ,"], Forbidden, [1, 0]),
        (["forbidden |", "well ,"], "B", [1, 1]),
        (["corrupt ,", "well ,"], Corrupt, [1, 0]),
        (["corrupt |", "well ,"], "B", [1, 1]),
        (["absent ,", "absent ,"], Absent, [1, 1]),
        (["down |", "absent ,"], Unavailable, [1, 1]),  # absence only if every source said so
        (["absent ,", "down ,"], Unavailable, [1, 1]),
        (["forbidden |", "down ,"], Forbidden, [1, 1]),  # the worst is reported
        (["down |", "forbidden |", "corrupt |", "absent ,"], Corrupt, [1, 1, 1, 1]),
    ],
)
async def test_a_chain_goes_on_as_the_go_command_does(
    chain: Sequence[str], outcome: str | type[GatewayError], asked: list[int]
) -> None:
    sources = [said(text.split()[0], name) for text, name in zip(chain, "ABCD", strict=False)]
    members = [Member(source, text.split()[1]) for text, source in zip(chain, sources, strict=True)]
    whole = Chain(members)
    if isinstance(outcome, str):
        assert (await whole.get(ASK, Terms())).source == outcome
    else:
        with pytest.raises(outcome):
            await whole.get(ASK, Terms())
    assert [source.asked for source in sources] == asked


async def test_off_is_absence() -> None:
    with pytest.raises(Absent):
        await Chain([Member(Off())]).get(ASK, Terms())


@pytest.mark.parametrize(("after", "goes_on_at"), [("|", "B"), (",", "A")])
async def test_a_broken_download_goes_on_at_the_next_source_only_after_a_bar(after: str, goes_on_at: str) -> None:
    chain = Chain([Member(Says("A"), after), Member(Says("B"))])
    resume = Resume("A", 100, "", frozenset({"A"}))
    assert (await chain.get(ASK, Terms(resume=resume))).source == goes_on_at


async def test_the_last_source_is_asked_again_even_if_it_broke_off_before() -> None:
    chain = Chain([Member(Says("A"), "|"), Member(Says("B"), "|")])
    resume = Resume("B", 100, "", frozenset({"A", "B"}))
    assert (await chain.get(ASK, Terms(resume=resume))).source == "B"


async def test_absence_elsewhere_is_not_absence_when_a_source_broke_off_in_the_middle() -> None:
    chain = Chain([Member(Says("A"), "|"), Member(said("absent", "B"))])
    with pytest.raises(Unavailable):
        await chain.get(ASK, Terms(resume=Resume("A", 100, "", frozenset({"A"}))))

"""Answers that may change, whoever gives them: the last good one is kept, and three ages say when to ask again.

Fresh ones are answered at once, stale ones too while one refresh runs behind, old ones only after the upstream has been
asked, or when it cannot be (freshness.py).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from modgate.cache.absence import Absences
from modgate.cache.flights import Flight, Flights
from modgate.cache.freshness import Ages, Verdict, judge
from modgate.cache.remembered import raise_remembered
from modgate.errors import Absent, GatewayError, Unavailable
from modgate.observe import families
from modgate.observe.metrics import Metrics
from modgate.source.base import Cached, Freshness, Terms
from modgate.storage.namespace import Namespace
from modgate.storage.records import AnswerRow

DURABLE_SECONDS = 2.0
"""How long an answer may take to be durable before others stop waiting for that; a well disk needs a hundredth."""


@dataclass(frozen=True, slots=True)
class Obtained:
    """A well-formed answer from outside."""

    data: bytes
    version: str
    source: str
    written: float | None = None
    """In seconds since the epoch, of what is given only because nobody else could be asked: its age is counted from
    there, and the next ask goes outside again."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and how its answer ages."""

    name: str
    """The key within the namespace."""
    label: str
    """As a person would write it."""
    topic: str
    """What its generation slot belongs to: the module path."""
    ages: Ages
    absent: float
    """Seconds for which absence is remembered."""
    obtain: Callable[[], Awaitable[Obtained]]
    """Asks outside. Raises GatewayError."""


@dataclass(frozen=True, slots=True)
class Told:
    """A row and how it was come by."""

    row: AnswerRow
    cached: Cached
    stamp: tuple[int, int] | None = None


@dataclass(slots=True)
class _Meanwhile:
    """What was fetched while a question was being asked and its answer made durable."""

    stamp: tuple[int, int]
    """Of the fetches that this process knows."""
    versions: set[str] = field(default_factory=set)


class Changing:
    """The changing answers of one namespace."""

    def __init__(
        self,
        store: Namespace,
        metrics: Metrics,
        unexpected: Callable[[BaseException], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` gives seconds since the epoch."""
        self._store = store
        self._clock = clock
        self._coalesced = metrics.counter(families.COALESCED)
        self._absences = Absences(clock)
        self._flights: Flights[str, Told] = Flights(unexpected)
        self._asked: dict[str, _Meanwhile] = {}

    async def get(self, question: Question, terms: Terms) -> Told:
        """The answer.

        Raises:
            GatewayError: there is none, and what is stored may not be used instead.
        """
        stamp = self._store.stamp(question.topic)
        row = self._known(question.name)
        now = self._clock()
        verdict = Verdict.GONE
        if row is not None:
            verdict = judge(now - row.fetched, question.ages, terms.freshness, expired=row.expired)
            if verdict is Verdict.FRESH:
                return Told(row, Cached.HIT, stamp)
        raise_remembered(self._absences, question.name, question.label, terms, stamp)
        if row is not None and verdict is Verdict.STALE:
            self._fetch(question, row)
            return Told(row, Cached.STALE)
        return await self._ask_first(question, terms, row, usable=verdict is Verdict.OLD)

    async def expire(self, name: str, topic: str, version: str) -> None:
        """A version was fetched: if the stored answer does not tell of it, it is asked again before it is used. So is
        the answer to a question that is on its way: it may have been written before."""
        self._store.changed(_fetches(name))
        if name in self._asked:
            self._asked[name].versions.add(version)
            self._asked[name].stamp = self._store.stamp(_fetches(name))
        row = self._known(name)
        if row is not None and not row.expired and version.encode() not in row.body.split():
            await self._store.put_answer(replace(row, expired=True))
            self._store.changed(topic)
        if self._absences.forget(name):
            self._store.changed(topic)

    async def close(self, grace: float = 0.0) -> None:
        """Let fetches end within `grace` seconds and cancel the rest."""
        await self._flights.close(grace)

    def _known(self, name: str) -> AnswerRow | None:
        """The last answer. What others have been given is there, though it is still being made durable."""
        published = self._flights.published(name)
        return published.row if published is not None else self._store.answer(name)

    async def _ask_first(self, question: Question, terms: Terms, seen: AnswerRow | None, *, usable: bool) -> Told:
        old = seen if usable else None
        await self._outlast(question.name, terms)
        flight, joined = self._fetch(question, seen)
        if joined:
            self._coalesced.value += 1
        try:
            told = await flight.result(terms.deadline)
        except Absent:
            raise  # stated by every source: an old answer would be wrong
        except GatewayError:
            if old is None:
                raise
            return Told(old, Cached.STALE)
        if joined or told.cached is Cached.COALESCED:
            return replace(told, cached=Cached.COALESCED)
        return told if old is None else replace(told, cached=Cached.REFRESHED)

    async def _outlast(self, name: str, terms: Terms) -> None:
        """Wait for the end of a flight that has its answer and makes it durable.

        It asked before we were asked, and a tag may have been pushed meanwhile. One that takes too long has to do.
        """
        until = min(terms.deadline, asyncio.get_running_loop().time() + DURABLE_SECONDS)
        with suppress(Unavailable):
            while (answered := self._flights.answered(name)) is not None:
                await answered.over(until)

    def _fetch(self, question: Question, seen: AnswerRow | None) -> tuple[Flight[Told], bool]:
        """`seen` is what was stored when we were asked."""
        tellings = self._store.stamp(_tellings(question.name))

        async def fly(flight: Flight[Told]) -> None:
            async with self._store.hold(question.name):
                row = self._store.answer(question.name)
                if (
                    row is not None
                    and (seen is None or row.fetched > seen.fetched)
                    and self._is_ours(row, question, tellings)
                ):
                    # Another process was told it meanwhile: its answer is ours too, as if we were one.
                    flight.publish(Told(row, Cached.COALESCED))
                    return
                meanwhile = self._asked[question.name] = _Meanwhile(self._store.stamp(_fetches(question.name)))
                try:
                    row = await self._obtain(question, meanwhile)
                    flight.publish(Told(row, Cached.MISS))
                    self._store.changed(_tellings(question.name))
                    # What this process has in memory is out of date now; of others that is true when it is durable.
                    self._store.changed(question.topic)
                    await self._store.put_answer(row)
                    if not row.expired and self._fetched_elsewhere(question, meanwhile):
                        await self._store.put_answer(replace(row, expired=True))
                finally:
                    del self._asked[question.name]
            self._store.changed(question.topic)

        return self._flights.join(question.name, fly)

    def _is_ours(self, row: AnswerRow, question: Question, tellings: tuple[int, int]) -> bool:
        """Whether an answer that another process got since we looked may be taken for our own: it is fresh, or was told
        after we were asked, when the slot of tellings stood at `tellings`."""
        fresh = judge(self._clock() - row.fetched, question.ages, Freshness.NORMAL, expired=row.expired)
        told_since = self._store.stamp(_tellings(question.name)) != tellings
        return not row.expired and (fresh is Verdict.FRESH or told_since)

    def _fetched_elsewhere(self, question: Question, meanwhile: _Meanwhile) -> bool:
        """Whether another process fetched a version. Which one is not known here: one ask too many is better than a
        list without it."""
        return self._store.stamp(_fetches(question.name)) != meanwhile.stamp

    async def _obtain(self, question: Question, meanwhile: _Meanwhile) -> AnswerRow:
        asked, stamp = self._clock(), self._store.stamp(question.topic)
        try:
            answer = await question.obtain()
        except Absent as error:
            row = self._store.answer(question.name)
            if row is not None and not row.expired:
                # It is gone: what is stored must not be told again as if nothing had been said.
                await self._store.put_answer(replace(row, expired=True))
                self._store.changed(question.topic)
                stamp = self._store.stamp(question.topic)
            self._absences.put(question.name, error, question.absent, stamp)
            raise
        self._absences.forget(question.name)
        if answer.written is not None:
            return self._makeshift(question, answer, answer.written)
        told = answer.data.decode(errors="replace").split()
        expired = self._fetched_elsewhere(question, meanwhile) or not meanwhile.versions.issubset(told)
        return AnswerRow(self._store.name, question.name, answer.data, answer.version, answer.source, asked, expired)

    def _makeshift(self, question: Question, answer: Obtained, written: float) -> AnswerRow:
        """What stands in for an answer while nobody can be asked: never fresh, and never instead of a newer one.

        Raises:
            Unavailable: what is stored is newer.
        """
        row = self._store.answer(question.name)
        if row is not None and row.fetched >= written and self._clock() - row.fetched <= question.ages.keep:
            reason = "has an older answer than the one that is kept here"
            raise Unavailable(asked=question.label, source=answer.source, reason=reason)
        return AnswerRow(self._store.name, question.name, answer.data, answer.version, answer.source, written, True)


def _fetches(name: str) -> str:
    """The topic whose slot moves when a version is fetched that the answer of this name should tell of."""
    return f"{name} fetches"


def _tellings(name: str) -> str:
    """The topic whose slot moves when somebody outside has answered."""
    return f"{name} tellings"

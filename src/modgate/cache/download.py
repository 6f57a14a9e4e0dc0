"""One zip from its source into the spool, over however many transfers that takes.

A transfer that breaks is continued where the source grants it, else read from byte 0 and compared with what is there;
at the first difference the waiting clients are cut and the file begins anew. A continued file that fails its checks is
fetched once more from nothing before anybody says Corrupt: the two halves may be of two files.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from modgate.cache.checking import Checker, Job, Sums
from modgate.cache.pace import Pace
from modgate.cache.part import Budget, Diverged, Part
from modgate.cache.spool import Spooled
from modgate.errors import Corrupt, GatewayError, Trouble, Unavailable
from modgate.observe import families
from modgate.observe.metrics import Metrics
from modgate.source.base import Answer, Arriving, Ask, Resume, Source, Terms
from modgate.storage.namespace import Namespace

BREAKS = 20
"""Transfers of one file that may break: a zip of 500 MiB over a link that breaks every 25 MB still comes."""
FRUITLESS = 3
"""Transfers in a row that may bring nothing new, or next to nothing."""
SLOWEST = 1024
"""Bytes a second: a transfer that broke and brought less is next to nothing. One that drips until its time is over
would else be continued BREAKS times, and keep a place of limits.downloads for hours."""
CHANCES = 2
"""Transfers that one source may break before the next one is asked, where the chain allows it."""
PAUSE = 0.2
"""Seconds before a broken transfer is continued, times the number of fruitless ones."""
ZIP_BEGINS = b"PK\x03\x04"
"""Of every zip with a file in it (APPNOTE §4.3.7)."""
ANEW = 2
"""Times that a file may begin anew: an upstream whose content changes with each request is not waited for."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete file in the spool that has passed the zip rules."""

    sums: Sums
    size: int
    source: str


class Download:
    """The transfer side of one flight. `close` it."""

    def __init__(
        self,
        ask: Ask,
        source: Source,
        store: Namespace,
        *,
        checker: Checker,
        budget: Budget,
        pace: Pace,
        metrics: Metrics,
        most: int,
        begun: Callable[[Spooled], None],
        void: Callable[[], None],
        spooled: Spooled | None = None,
    ) -> None:
        """`begun` is told of each attempt's growing file once its first byte may be handed out, `void` when that
        attempt is over and another one begins; `most` is in bytes; `spooled` is the file that a dead leader left, if
        somebody reads it."""
        self._ask = ask
        self._source = source
        self._store = store
        self._checker = checker
        self._budget = budget
        self._pace = pace
        self._metrics = metrics
        self._most = most
        self._begun = begun
        self._void = void
        self._job: Job | None = None
        self._told = False
        self._early = store.writeback.file()
        self._syncing: asyncio.Future[OSError | None] | None = None
        self._breaks: Counter[str] = Counter()
        self.part: Part | None = None
        self.spooled = spooled

    async def fetch(self) -> Fetched:
        """Bring the whole file into the spool, going on with what a dead leader left there.

        Raises:
            GatewayError: it cannot be had, or is no module zip; the growing file has failed.
            OSError: the spool cannot be written.
        """
        await self._open()
        assert self.part is not None
        continued = self.part.size > 0
        for _ in range(ANEW + 1):
            broke = False
            try:
                source, broke = await self._transfer(continued)
                return await self._judge(source)
            except Diverged:
                await self._anew("sends other content now than it did before the transfer broke")
            except Corrupt:
                if not (continued or broke):
                    raise
                await self._anew("was put together from two transfers and failed its checks")
            continued = False
        raise Unavailable(asked=str(self._ask), source=self._source.name, reason="sends other content at each request")

    async def durable(self) -> None:
        """Wait until the bytes of the file that was fetched are durable.

        Raises:
            OSError: the spool cannot be written.
        """
        assert self._syncing is not None
        for error in (await asyncio.shield(self._syncing), await self._early.outcome()):
            if error is not None:
                raise error

    def fail(self, error: GatewayError) -> None:
        """Cut whoever reads, and remove what is there."""
        if self.spooled is not None:
            self.spooled.fail(error)
        if self.part is not None:
            self.part.remove()

    def close(self) -> None:
        if self._job is not None:
            self._job.drop()
        if self.part is not None:
            self.part.close()
        self._job = self.part = None
        # An error keeps the frames that it passed through, and those keep us: its readers alone decide how long the
        # file stays open, and its blocks taken.
        self.spooled = None

    async def _open(self) -> None:
        self.part = Part(self._store.spool, self._store.key(self._ask.name), self._budget)
        self.spooled = self.spooled or Spooled(self.part.path, self._pace)
        self._told = False
        self._job = await self._checker.begin(self._ask, self.part.path)
        self._grown("the spool")

    async def _anew(self, why: str) -> None:
        self.fail(Unavailable(asked=str(self._ask), source=self._source.name, reason=why))
        self.close()
        self.spooled = None
        self._early = self._store.writeback.file()
        self._void()
        await self._open()

    async def _judge(self, source: str) -> Fetched:
        assert self.part is not None and self._job is not None and self.spooled is not None
        self.spooled.size = self.part.size
        self._syncing = self.part.sync()  # beside the check: each takes some milliseconds, and somebody waits
        try:
            sums = await self._job.finish(self.part.size)
        except Corrupt as error:
            error.source = source
            raise
        return Fetched(sums, self.part.size, source)

    async def _transfer(self, continued: bool) -> tuple[str, bool]:
        """Transfers until the file is complete: (the source of its end, whether one broke)."""
        assert self.part is not None
        note = self.part.note() if continued else None
        if note is not None and note.size == self.part.size:
            return note.source, True  # nothing is missing: its leader died while it was checked
        resume = Resume(note.source, self.part.size, note.validator) if note else None
        if self._breaks and resume is None:
            resume = Resume("", 0, "", self._spent())  # begun anew, but not at the source that broke it
        fruitless, broke, clock = 0, False, asyncio.get_running_loop().time
        for _ in range(BREAKS):
            before, began, answer = self.part.size, clock(), None
            try:
                answer = await self._source.get(self._ask, Terms(resume=resume))
                await self._receive(answer)
                return answer.source, continued or broke
            except Unavailable as error:
                fruitless = 0 if self.part.size - before > SLOWEST * (clock() - began) else fruitless + 1
                if (answer is None and not self.part.size) or fruitless >= FRUITLESS or error.trouble is Trouble.OURS:
                    raise
            broke = True
            if answer is not None and isinstance(answer.body, Arriving):
                self._breaks[answer.source] += 1
                resume = Resume(answer.source, self.part.size, answer.body.validator, self._spent())
            else:
                self._breaks.clear()  # nobody else can go on: whoever broke off is asked again
                resume = resume and replace(resume, broken=frozenset())
            self._metrics.counter(families.RESUMES).add()
            await asyncio.sleep(PAUSE * fruitless)
        raise Unavailable(asked=str(self._ask), source=self._source.name, reason=f"broke off {BREAKS} times")

    def _spent(self) -> frozenset[str]:
        """The sources that have had their chances."""
        return frozenset(source for source, number in self._breaks.items() if number >= CHANCES)

    async def _receive(self, answer: Answer) -> None:
        """One transfer.

        Raises:
            Unavailable: it broke.
            Diverged: it is not the file of which we have the beginning.
        """
        body = answer.body
        assert isinstance(body, Arriving) and self.part is not None and self.spooled is not None
        async with aclosing(body.chunks) as chunks:
            self.part.begin(body, answer.source)
            if body.size is not None:
                self.spooled.size = body.size
            async for chunk in chunks:
                await self._pace.turn(arrives=True)
                self.part.accept(chunk)
                self.part.write_back(self._early)
                self._grown(answer.source)
                if self.part.size > self._most:
                    reason = f"sent more than the {self._most} bytes that a zip may have here (limits.zip)"
                    raise Corrupt(asked=str(self._ask), source=answer.source, reason=reason)
                if self.part.size != body.size:
                    await self._pace.rest(len(chunk))
        if body.size is not None and self.part.size < body.size:
            raise Unavailable(asked=str(self._ask), source=answer.source, reason="broke off before the end of the zip")
        self.part.end()

    def _grown(self, source: str) -> None:
        assert self.part is not None and self.spooled is not None and self._job is not None
        self.spooled.grow(self.part.size)
        self._job.grow(self.part.size)
        if self.spooled.released and not self._told:
            if self.spooled.read_at(0, len(ZIP_BEGINS)) != ZIP_BEGINS:
                # Said here, it still has its true status: nothing has been handed out.
                raise Corrupt(asked=str(self._ask), source=source, reason="is no module zip: it does not begin as one")
            self._told = True
            self._begun(self.spooled)

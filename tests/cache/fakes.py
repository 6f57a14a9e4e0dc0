"""A store on a temporary directory, and a source that does as it is told."""

from __future__ import annotations

import asyncio
import io
import os
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from modgate.cache.answers import Answers, Rules
from modgate.cache.artifacts import Artifacts
from modgate.cache.cached import CachedSource, lists_to_expire
from modgate.cache.changing import Changing
from modgate.cache.checking import Checker
from modgate.cache.evidence import Check
from modgate.cache.freshness import Ages
from modgate.cache.part import Budget
from modgate.cache.smallfiles import SmallFiles
from modgate.cache.zips import Zips
from modgate.errors import Absent, GatewayError, Unavailable
from modgate.gomod.modzip import ZipLimits
from modgate.gomod.paths import check_path
from modgate.net.turns import Turns
from modgate.observe.events import Events
from modgate.observe.metrics import Metrics
from modgate.source.base import Answer, Arriving, Ask, Kind, Ready, Source, Terms
from modgate.storage.commit import Commits
from modgate.storage.generations import Generations
from modgate.storage.layout import Layout
from modgate.storage.locks import Locks
from modgate.storage.namespace import Health, Namespace
from modgate.storage.session import session
from modgate.storage.sqlite import SqliteRecords
from modgate.storage.tree import Tree
from modgate.storage.writeback import WriteBack

PATH = check_path("example.com/m")
LIST = Ask(Kind.LIST, PATH)
MOD = Ask(Kind.MOD, PATH, "v1.0.0")
INFO = Ask(Kind.INFO, PATH, "v1.0.0")
ZIP = Ask(Kind.ZIP, PATH, "v1.0.0")
PIECE = 16384


class Clock:
    """Seconds since the epoch that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def module_zip(size: int, path: str = PATH, version: str = "v1.0.0", seed: int = 0) -> bytes:
    """A zip with a go.mod and `size` bytes that do not compress."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(f"{path}@{version}/go.mod", f"module {path}\n")
        file.writestr(f"{path}@{version}/data.bin", bytes(os.urandom(size) if not seed else bytes([seed]) * size))
    return buffer.getvalue()


class Scripted:
    """A source: what it holds may be changed at any time, and any transfer may be told how to go."""

    name = "https://upstream.example"

    def __init__(self) -> None:
        self.holds: dict[Ask, bytes] = {}
        self.errors: list[GatewayError] = []
        """Raised by the next asks, one each."""
        self.cuts: list[int] = []
        """The next transfers break after so many bytes."""
        self.resumes = False
        self.asked: list[Ask] = []
        self.starts: list[int] = []
        self.gate: Callable[[int], AsyncIterator[None]] | None = None
        self.paused = asyncio.Event()
        self.paused.set()

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        self.asked.append(ask)
        if self.errors:
            raise self.errors.pop(0)
        if ask not in self.holds:
            raise Absent(asked=str(ask), source=self.name, reason="answered 404")
        data = self.holds[ask]
        if ask.kind is not Kind.ZIP:
            await self.paused.wait()
            return Answer(ask, Ready(data), version=ask.version, source=self.name)
        start = terms.resume.offset if terms.resume and self.resumes and terms.resume.validator else 0
        self.starts.append(start)
        chunks = self._chunks(data, start, self.cuts.pop(0) if self.cuts else None)
        return Answer(ask, Arriving(chunks, start, len(data), '"tag"'), version=ask.version, source=self.name)

    async def _chunks(self, data: bytes, start: int, cut: int | None) -> AsyncGenerator[bytes, None]:
        end = len(data) if cut is None else min(cut, len(data))
        for position in range(start, end, PIECE):
            if position >= len(data) // 2:
                await self.paused.wait()
            yield data[position : min(position + PIECE, end)]
        if cut is not None:
            raise Unavailable(source=self.name, reason="broke off in the middle of a body", again=True)


class Cellar:
    """Everything below one cache, as one gateway process has it."""

    def __init__(
        self,
        cache: CachedSource,
        answers: Answers,
        source: Scripted,
        namespace: Namespace,
        layout: Layout,
        clock: Clock,
    ) -> None:
        self.cache = cache
        self.answers = answers
        self.source = source
        self.namespace = namespace
        self.layout = layout
        self.clock = clock
        self.events: list[str] = []
        self.defects: list[BaseException] = []

    async def body(self, ask: Ask, terms: Terms = Terms()) -> bytes:  # noqa: B008 frozen
        answer = await self.cache.get(ask, terms)
        return await read_all(answer)

    async def settle(self) -> None:
        """Wait for what goes on behind the answers."""
        await self.cache.close(grace=30)

    def file(self, ask: Ask) -> Path:
        return Path(self.namespace.tree.path(self.namespace.name, ask.name))

    def litter(self) -> list[str]:
        return sorted(name for name in os.listdir(self.layout.spool) if not name.endswith(".session"))


async def read_all(answer: Answer) -> bytes:
    assert not isinstance(answer.body, Arriving)
    reader, pieces = await answer.body.open(), []
    try:
        while piece := await reader.read():
            pieces.append(piece)
    finally:
        reader.close()
    return b"".join(pieces)


@asynccontextmanager
async def cellar(
    root: Path,
    source: Scripted | None = None,
    *,
    ages: Ages | None = None,
    checks: tuple[Check, ...] = (),
    spool: int = 1 << 30,
    most: int = 500 << 20,
    downloads: int = 48,
) -> AsyncIterator[Cellar]:
    """One process's cache on the data directory `root`; several may be open at once."""
    source, clock, metrics = source or Scripted(), Clock(), Metrics()
    layout = Layout(root)
    layout.create()
    records, generations = SqliteRecords(layout.records), Generations(layout.generations)
    commits, checker = Commits(records), Checker(ZipLimits(), metrics)
    rules = Rules(ages or Ages(), private=False)
    with session(layout.spool) as prefix:
        mine: list[Cellar] = []
        events = Events(metrics, lambda name, **_: mine[0].events.append(name))
        writeback = WriteBack()
        namespace = Namespace(
            "public",
            records=records,
            commits=commits,
            tree=Tree(layout.modules, layout.quarantine),
            locks=Locks(layout.spool),
            generations=generations,
            spool=layout.spool,
            session=prefix,
            writeback=writeback,
            health=Health(events),
        )

        def unexpected(error: BaseException) -> None:
            mine[0].defects.append(error)

        upstream: Source = source
        answers = Answers(upstream, Changing(namespace, metrics, unexpected, clock), lambda _: rules)

        async def on_stored(ask: Ask) -> None:
            for question in lists_to_expire(ask):
                await answers.expire(question, ask.version)

        files = SmallFiles(namespace, events, metrics, unexpected, most=16 << 20, clock=clock)
        zips = Zips(
            upstream,
            namespace,
            rules=lambda _: rules,
            checks=checks,
            on_stored=on_stored,
            events=events,
            metrics=metrics,
            unexpected=unexpected,
            checker=checker,
            budget=Budget(spool, metrics),
            most=most,
            downloads=Turns(downloads),
            clock=clock,
        )
        artifacts = Artifacts(upstream, files, lambda _: rules, checks, on_stored)
        cache = CachedSource(namespace, answers, artifacts, zips)
        mine.append(Cellar(cache, answers, source, namespace, layout, clock))
        try:
            yield mine[0]
        finally:
            await mine[0].cache.close()
            await checker.close()
            writeback.close()
            commits.close()
            records.close()
            generations.close()
    assert not mine[0].defects, mine[0].defects

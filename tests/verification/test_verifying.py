"""Which artifacts need a record, and what follows when there is none: the decisions, without network and disk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from modgate.cache.evidence import Complete, is_unverified
from modgate.checksum.client import SumClient
from modgate.checksum.evidence import Evidence, Excuse, excuse_of, read_evidence
from modgate.checksum.kept import head_cell
from modgate.checksum.standing import Standing
from modgate.checksum.verifying import Rules, Verifying
from modgate.errors import Fork, Mismatch, Unavailable
from modgate.gomod.paths import check_path
from modgate.observe.events import Events
from modgate.observe.metrics import Metrics
from modgate.source.base import Ask, Kind
from modgate.storage.cells import Cells
from modgate.storage.generations import Generations
from modgate.storage.store import open_store
from tests.checksum.fakes import MemoryOps, Way
from tests.checksum.log import NAME, Log, sums, verifiers

EARLY = Ask(Kind.ZIP, check_path("example.com/early"), "v1.0.0")
UNKNOWN = Ask(Kind.MOD, check_path("example.com/unknown"), "v1.0.0")
PRIVATE = Ask(Kind.ZIP, check_path("corp.example/x"), "v1.0.0")
INFO = Ask(Kind.INFO, EARLY.path, EARLY.version)
TOOLCHAIN = Ask(Kind.ZIP, check_path("golang.org/toolchain"), "v0.0.1-go1.22.0.linux-amd64")
H1 = sums(EARLY.path, EARLY.version)["zip"]

Make = Callable[..., Verifying]


def complete(ask: Ask, h1: str = H1) -> Complete:
    return Complete(ask, 10, "sha", h1, "https://a.example")


@pytest.fixture
def log() -> Log:
    log = Log()
    log.records(EARLY.path, EARLY.version)
    log.grows(20)
    return log


@pytest.fixture
def way(log: Log) -> Way:
    return Way("a way", log.serve)


@pytest.fixture
async def standing(tmp_path: Path) -> AsyncIterator[Standing]:
    async with AsyncExitStack() as stack:
        store = open_store(stack, tmp_path, Events(Metrics(), lambda *_, **__: None))
        yield Standing(NAME, store.cells, tmp_path, clock=lambda: 1000.0)


@pytest.fixture
async def make(way: Way, standing: Standing) -> AsyncIterator[Make]:
    made: list[Verifying] = []
    ops = MemoryOps(way)

    def one(*, lenient: bool = False) -> Verifying:
        rules = Rules(lambda path: path.startswith(("corp.example/", "golang.org/")), lenient, 5.0)
        made.append(
            Verifying(
                NAME,
                lambda: SumClient(NAME, verifiers(Log()), ops, _no),
                standing,
                rules,
                events=Events(Metrics(), lambda *_, **__: None),
                metrics=Metrics(),
                unexpected=_no,
                clock=lambda: 5.0,
            )
        )
        return made[-1]

    yield one
    for verifying in made:
        await verifying.close(1.0)


def _no(error: BaseException) -> None:
    raise AssertionError from error


async def test_evidence_names_the_record_and_its_tree(make: Make, log: Log) -> None:
    verifying = make()
    text = await verifying.verify(complete(EARLY))
    assert read_evidence(text) == Evidence(NAME, 0, log.size, log.head().root, 5.0)
    assert verifying.holds(EARLY, text)


async def test_another_hash_is_a_mismatch_with_both(make: Make) -> None:
    with pytest.raises(Mismatch) as told:
        await make().verify(complete(EARLY, "h1:other="))
    assert (told.value.now, told.value.recorded) == ("h1:other=", H1)


async def test_what_needs_no_record_is_not_looked_up(make: Make, way: Way) -> None:
    verifying = make()
    for ask in (PRIVATE, INFO):
        await verifying.prepare(ask)
        assert await verifying.verify(complete(ask)) == ""
        assert verifying.holds(ask, "")
    assert way.asked == []
    assert verifying.needs(TOOLCHAIN), "whatever is exempt"


@pytest.mark.parametrize(
    "evidence", ["", excuse_of(NAME, "was down", 1.0), '{"database":"sum.other.example","record":1}']
)
async def test_other_evidence_does_not_do(make: Make, evidence: str) -> None:
    assert not make().holds(EARLY, evidence)
    assert not make(lenient=True).holds(EARLY, evidence), "the database is there"


async def test_with_the_database_down_only_the_lenient_lets_modules_through(make: Make, way: Way) -> None:
    way.is_down = True
    with pytest.raises(Unavailable, match="is not verified"):
        await make().verify(complete(EARLY))
    verifying = make(lenient=True)
    excuse = await verifying.verify(complete(EARLY))
    assert is_unverified(excuse) and isinstance(read_evidence(excuse), Excuse)
    assert verifying.holds(EARLY, excuse) and not verifying.holds(EARLY, "")
    assert not verifying.holds(TOOLCHAIN, excuse)
    with pytest.raises(Unavailable):
        await verifying.verify(complete(TOOLCHAIN))
    way.is_down = False
    await verifying.verify(complete(EARLY))
    assert not verifying.holds(EARLY, excuse), "now it can be verified"


async def test_once_it_is_down_nothing_is_prepared_without_it(make: Make, way: Way) -> None:
    verifying = make()
    way.is_down = True
    await verifying.prepare(EARLY)  # nobody knows yet
    with pytest.raises(Unavailable):
        await verifying.verify(complete(EARLY))
    with pytest.raises(Unavailable):
        await verifying.prepare(EARLY)


@pytest.mark.parametrize("lenient", [False, True])
async def test_a_missing_record_is_no_absence_and_no_excuse(make: Make, lenient: bool) -> None:
    with pytest.raises(Unavailable, match="has no record of it"):
        await make(lenient=lenient).verify(complete(UNKNOWN))


@pytest.mark.parametrize("lenient", [False, True])
async def test_garbage_is_no_excuse(make: Make, log: Log, way: Way, lenient: bool) -> None:
    way.serve = lambda name: b"<html>"
    with pytest.raises(Unavailable, match="is not verified"):
        await make(lenient=lenient).verify(complete(EARLY))


async def test_a_record_outranks_what_was_only_seen(make: Make) -> None:
    verifying = make()
    verified = await verifying.verify(complete(EARLY))
    assert verifying.outranks(verified, "")
    assert verifying.outranks(verified, excuse_of(NAME, "was down", 1.0))
    assert not verifying.outranks(verified, verified)
    assert not verifying.outranks("", "")


# What is held against a database.


async def test_a_fork_is_kept_once_until_it_is_decided_on(standing: Standing, tmp_path: Path) -> None:
    fork = Fork(reason="has signed two histories", older=b"older", newer=b"newer", root=b"r" * 32, proof=(b"p" * 32,))
    assert not standing.is_forked and not standing.accept("known")
    folder = standing.record(fork)
    assert standing.record(Fork(older=b"another")) == folder == f"checksum/{NAME}/fork-1000"
    assert (tmp_path / folder / "older").read_bytes() == b"older"
    assert standing.is_forked
    assert standing.accept("newer")
    assert not standing.is_forked and standing.state.decided == 1
    cells = Cells(tmp_path / "records.db", Generations(tmp_path / "generations"))
    assert cells.get(head_cell(NAME)) == b"newer"
    cells.close()


async def test_a_fork_that_cannot_be_kept_refuses_all_the_same(
    make: Make, standing: Standing, log: Log, way: Way, tmp_path: Path
) -> None:
    (tmp_path / "checksum").write_text("no directory\n")
    verifying = make()
    await verifying.verify(complete(EARLY))
    other = log.fork(10)
    other.records(UNKNOWN.path, UNKNOWN.version)
    other.grows(30)
    way.serve = other.serve
    with pytest.raises(Fork):
        await verifying.verify(complete(UNKNOWN))
    assert not standing.is_forked, "whoever meets it next tries to keep it again"


async def test_what_was_known_is_forgotten_with_its_key_and_kept_as_evidence(
    make: Make, standing: Standing, tmp_path: Path
) -> None:
    assert standing.begin_anew() == ""
    cells = Cells(tmp_path / "records.db", Generations(tmp_path / "generations"))
    cells.swap(head_cell(NAME), None, b"a head")
    file = standing.begin_anew()
    assert (tmp_path / file).read_bytes() == b"a head"
    assert (cells.get(head_cell(NAME)), standing.state.decided) == (None, 1)
    cells.close()


async def test_a_fork_refuses_what_is_new(make: Make, standing: Standing) -> None:
    verifying = make()
    evidence = await verifying.verify(complete(EARLY))
    standing.record(Fork(reason="has signed two histories"))
    for attempt in (verifying.prepare(EARLY), verifying.verify(complete(EARLY))):
        with pytest.raises(Fork):
            await attempt
    assert verifying.holds(EARLY, evidence), "what is verified is served"
    standing.accept("known")
    assert await verifying.verify(complete(EARLY)) == evidence

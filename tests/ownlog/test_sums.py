"""What is recorded: durable hashes of our own store, or what the public database has proven."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from modgate.cache.evidence import Complete
from modgate.checksum.owncheck import as_recorded
from modgate.checksum.ownsums import AT_ONCE, PublicSums, StoreSums, record_text
from modgate.errors import Absent, Corrupt, Trouble, Unavailable
from modgate.gomod import ModulePath
from modgate.gomod.paths import check_path
from modgate.source.base import Answer, Ask, Caller, Kind, Ready, Terms
from modgate.storage.log import LogRow
from modgate.storage.records import ArtifactRow
from tests.checksum.log import sums

PATH, VERSION = check_path("corp.example/m"), "v1.0.0"
SUMS = sums(PATH, VERSION)


@dataclass
class Store:
    """Rows that become durable only when whoever fetches lets go, and the source that fetches."""

    rows: dict[str, ArtifactRow] = field(default_factory=dict)
    coming: dict[str, ArtifactRow] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    loses: int = 0
    """So many downloads fail after they have begun."""
    name = "store"

    def pin(self, name: str) -> ArtifactRow | None:
        return self.rows.get(name)

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[bool]:
        self.rows |= self.coming
        self.coming.clear()
        yield True

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        self.asked.append(str(ask))
        if ask.path != PATH:
            raise Absent(asked=str(ask), reason="is unknown")
        if self.loses:
            self.loses -= 1
        else:
            self.coming[ask.name] = ArtifactRow("public", ask.name, 1, "", SUMS[ask.kind.value], "an upstream", 1.0)
        return Answer(ask, Ready(b"x"))


@dataclass
class Record:
    """A proven one."""

    sums: Mapping[str, str] = field(default_factory=lambda: SUMS)
    record_id: int = 41
    tree_size: int = 99
    head: bytes = b"a signed head"


async def test_what_the_store_has_is_recorded_without_asking_anybody() -> None:
    store = Store()
    await StoreSums(store, lambda _: store).grounds(PATH, VERSION, Terms())
    store.asked.clear()
    grounds = await StoreSums(store, lambda _: store, lambda: 17.0).grounds(PATH, VERSION, Terms())
    assert store.asked == []
    assert grounds.text == f"{PATH} v1.0.0 {SUMS['zip']}\n{PATH} v1.0.0/go.mod {SUMS['mod']}\n"
    assert json.loads(grounds.evidence) == {"recorded": 17.0, "from": "store", "source": "an upstream"}


async def test_what_it_lacks_is_fetched_and_recorded_when_its_rows_are_durable() -> None:
    store = Store()
    grounds = await StoreSums(store, lambda _: store).grounds(PATH, VERSION, Terms())
    assert store.asked == [f"{PATH}@v1.0.0 mod", f"{PATH}@v1.0.0 zip"]
    assert grounds.text == record_text(PATH, VERSION, SUMS)


@pytest.mark.parametrize(("loses", "asked"), [(1, 3), (2, 2)])
async def test_a_download_that_fails_is_asked_for_once_more(loses: int, asked: int) -> None:
    store = Store(loses=loses)
    recorded = StoreSums(store, lambda _: store).grounds(PATH, VERSION, Terms())
    if loses == 1:
        assert (await recorded).text == record_text(PATH, VERSION, SUMS)
    else:
        with pytest.raises(Unavailable, match="could not be fetched whole"):
            await recorded
    assert len(store.asked) == asked


async def test_it_is_fetched_for_whoever_asked_and_only_so_many_at_a_time() -> None:
    store, under_way, most, callers = Store(), 0, 0, set[str]()

    class Slow:
        name = "slow"

        async def get(self, ask: Ask, terms: Terms) -> Answer:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            callers.add(terms.caller.user)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            under_way -= 1
            return await store.get(ask, terms)

    recorder = StoreSums(Slow(), lambda _: store)
    terms = Terms(caller=Caller("somebody"))
    await asyncio.gather(*(recorder.grounds(PATH, f"v1.0.{number}", terms) for number in range(3 * AT_ONCE)))
    assert (most, callers) == (AT_ONCE, {"somebody"})


async def test_an_unknown_module_is_absent() -> None:
    store = Store()
    with pytest.raises(Absent):
        await StoreSums(store, lambda _: store).grounds(check_path("corp.example/none"), VERSION, Terms())


async def test_the_public_record_is_recorded_with_its_proof() -> None:
    async def verified(path: ModulePath, version: str) -> Record:
        return Record()

    grounds = await PublicSums("sum.example.com", verified, lambda: 17.0).grounds(PATH, VERSION, Terms())
    assert grounds.text == record_text(PATH, VERSION, SUMS)
    assert json.loads(grounds.evidence) == {
        "recorded": 17.0, "from": "sum.example.com", "record": 41, "tree": 99, "head": "YSBzaWduZWQgaGVhZA==",
    }  # fmt: skip


@pytest.mark.parametrize("trouble", [Trouble.CONNECTION, Trouble.TIMEOUT, Trouble.ANSWER, Trouble.BUSY])
async def test_a_public_database_that_is_away_is_unavailable_whatever_keeps_it(trouble: Trouble) -> None:
    async def verified(path: ModulePath, version: str) -> Record:
        raise Unavailable(source="https://sum.example.com", reason="refused", trouble=trouble)

    with pytest.raises(Unavailable, match=r"not recorded here yet, and sum\.example\.com could not be asked") as away:
        await PublicSums("sum.example.com", verified).grounds(PATH, VERSION, Terms())
    assert (away.value.trouble, away.value.source) == (Trouble.OPEN, "https://sum.example.com")


@pytest.mark.parametrize("missing", ["zip", "mod"])
async def test_a_public_record_without_one_of_the_sums_is_not_copied(missing: str) -> None:
    async def verified(path: ModulePath, version: str) -> Record:
        return Record(sums={kind: h1 for kind, h1 in SUMS.items() if kind != missing})

    with pytest.raises(Corrupt, match="lacks the sum"):
        await PublicSums("sum.example.com", verified).grounds(PATH, VERSION, Terms())


@dataclass
class Rows:
    """A log with one record."""

    async def row(self, name: str) -> LogRow | None:
        return LogRow(0, record_text(PATH, VERSION, SUMS), "") if name == f"{PATH}@{VERSION}" else None

    async def head(self) -> bytes | None:
        return None


@pytest.mark.parametrize(
    ("kind", "version", "h1", "passes"),
    [
        (Kind.ZIP, VERSION, SUMS["zip"], True),
        (Kind.MOD, VERSION, SUMS["mod"], True),
        (Kind.MOD, VERSION, SUMS["zip"], False),
        (Kind.ZIP, VERSION, "h1:else", False),
        (Kind.ZIP, "v1.0.1", "h1:else", True),
        (Kind.INFO, VERSION, "", True),
    ],
)
async def test_what_is_stored_later_is_what_is_recorded(kind: Kind, version: str, h1: str, passes: bool) -> None:
    check = as_recorded("sum.corp.example", Rows())
    complete = Complete(Ask(kind, PATH, version), 1, "", h1, "an upstream")
    if passes:
        assert not await check(complete)
        return
    with pytest.raises(Corrupt, match=re.escape(f"is {h1} now, and sum.corp.example has recorded h1:")):
        await check(complete)

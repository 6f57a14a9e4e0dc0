"""Whatever dies or fails, and wherever: what was said once stays true, and the next start goes on."""

from __future__ import annotations

import asyncio
import base64
import itertools
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from modgate.checksum.audit import audit
from modgate.checksum.log import OwnLog
from modgate.errors import Unavailable
from modgate.storage.log import SqliteLog
from modgate.tlog.ed25519 import Ed25519Verifier
from modgate.tlog.frontier import Frontier
from modgate.tlog.hashes import record_hash
from modgate.tlog.tree import Head, parse_signed_head
from tests.ownlog.dying import ARROWS, BATCHES, KEY, opened, record

ALL = [number for batch in BATCHES for number in batch]
ROOT = Path(__file__).parents[2]


def nothing(_: str) -> None:
    """No fault."""


async def stays_true(folder: Path, said: list[Head], places: dict[int, int]) -> None:
    """Start again, and see that everything said is still so, that nothing is left unsaid, and that it goes on."""
    log = opened(folder, nothing)
    await log.start()
    with closing(SqliteLog(folder / "log.db")) as store:
        texts = await store.texts(0, 100)
        assert log.published.head.size == len(texts)
        assert await store.head() == log.published.note == (folder / "witness").read_bytes()
        frontier, heads = Frontier(), [Frontier().head]
        for text in texts:
            frontier.append(record_hash(text.encode()))
            heads.append(frontier.head)
        assert all(head == heads[head.size] for head in said)
        found = await record(log, ALL)
        assert sorted(found) == list(range(len(ALL)))
        assert all(found[number] == place for number, place in places.items())
        assert not (await audit(store, [Ed25519Verifier(KEY.verifier_key)])).faults


@pytest.mark.parametrize("arrow", range(ARROWS + 1))
async def test_it_may_be_killed_at_every_arrow(tmp_path: Path, arrow: int) -> None:
    command = [sys.executable, "-m", "tests.ownlog.dying", str(tmp_path), str(arrow)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)  # noqa: ASYNC221
    assert done.returncode == (-9 if arrow < ARROWS else 0), done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    said = [parse_signed_head(base64.b64decode(line[1])) for line in lines if line[0] == "head"]
    await stays_true(tmp_path, said, {int(line[1]): int(line[2]) for line in lines if line[0] == "record"})


@pytest.mark.parametrize("at", range(ARROWS))
async def test_a_write_may_fail_at_every_arrow_even_after_it_was_done(tmp_path: Path, at: int) -> None:
    passed = itertools.count()

    def arrow(_: str) -> None:
        if next(passed) == at:
            raise OSError(5, "the disk went away")

    said, places, failures = list[Head](), dict[int, int](), 0
    log = opened(tmp_path, arrow)
    for batch in BATCHES:
        try:
            await log.start()
            places |= dict(zip(batch, await record(log, batch), strict=True))
        except Unavailable:
            failures += 1
        else:
            said.append(log.published.head)
    assert failures == 1
    await stays_true(tmp_path, said, places)


async def test_several_writers_on_one_file_never_contradict_each_other(tmp_path: Path) -> None:
    logs = [opened(tmp_path, nothing) for _ in range(3)]
    await asyncio.gather(*(log.start() for log in logs))
    found = await asyncio.gather(*(record(log, ALL) for log in logs))
    assert found[0] == found[1] == found[2]
    await stays_true(tmp_path, [log.published.head for log in logs], dict(zip(ALL, found[0], strict=True)))


async def test_a_turn_is_taken_for_each_batch_and_not_for_each_lookup(tmp_path: Path) -> None:
    taken: list[Callable[[], None]] = []

    class Turn:
        async def __aenter__(self) -> None:
            taken.append(lambda: None)

        async def __aexit__(self, *_: object) -> None:
            """Given back."""

    with closing(SqliteLog(tmp_path / "log.db")) as store:
        log = OwnLog("sum.example.com", store, [KEY], [Ed25519Verifier(KEY.verifier_key)], turn=Turn)
        await log.start()
        await record(log, range(500))
        assert len(taken) <= 3

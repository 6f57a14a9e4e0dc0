"""The witness in a file on other storage: replaced whole, by one process at a time; and what any one tells."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from modgate.checksum.watched import PAUSE, Watched
from modgate.errors import Unavailable
from modgate.gateway.ownlog import patient
from modgate.observe.events import Events
from modgate.observe.metrics import Metrics
from modgate.storage.witness import FileWitness
from tests.ownlog.witness_contract import Make, WitnessContract


class TestFileWitness(WitnessContract):
    """On a disk."""

    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        return lambda: FileWitness(tmp_path / "head")


async def test_what_died_before_the_rename_is_no_harm(tmp_path: Path) -> None:
    witness = FileWitness(tmp_path / "head")
    assert await witness.write(None, b"one")
    (tmp_path / "head.new").write_bytes(b"ha")
    assert await witness.read() == b"one"
    assert await witness.write(b"one", b"two")
    assert await witness.read() == b"two"


async def test_a_missing_mount_does_not_look_like_a_beginning(tmp_path: Path) -> None:
    witness = FileWitness(tmp_path / "mount" / "head")
    with pytest.raises(Unavailable, match="witness head cannot be used"):
        await witness.read()
    with pytest.raises(Unavailable, match="witness head cannot be used"):
        await witness.write(None, b"one")


async def test_storage_that_hangs_is_given_up_and_holds_up_no_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "head")  # it has no other end: whoever opens it waits, as on a mount whose server is gone
    before, witness = set(threading.enumerate()), FileWitness(tmp_path / "head", call=patient(seconds=0.05))
    for _ in range(3):
        with pytest.raises(Unavailable, match=r"witness head cannot be used \(no answer"):
            await witness.read()
    (hung,) = set(threading.enumerate()) - before
    assert hung.daemon, "the process ends without it"
    os.close(os.open(tmp_path / "head", os.O_RDWR | os.O_NONBLOCK))
    await asyncio.to_thread(hung.join, 30.0)
    assert not hung.is_alive()


class Failing:
    """A witness that can be told to fail; it counts what it is asked."""

    def __init__(self) -> None:
        self.fails = False
        self.asked = 0

    async def read(self) -> bytes | None:
        self.asked += 1
        if self.fails:
            raise Unavailable(reason="the witness went away", retry_after=5.0)
        return b"note"

    async def write(self, old: bytes | None, new: bytes) -> bool:
        return await self.read() == old


async def test_a_witness_that_fails_is_told_once_and_not_waited_for_by_each_who_comes() -> None:
    told, now, failing = list[str](), [100.0], Failing()
    watched = Watched(failing, Events(Metrics(), lambda name, **_: told.append(name)), clock=lambda: now[0])
    assert await watched.read() == b"note"
    failing.fails = True
    for _ in range(5):
        with pytest.raises(Unavailable, match="went away") as refused:
            await watched.write(b"note", b"new")
        assert refused.value.retry_after == 5.0
    assert (failing.asked, told) == (2, ["witness_unavailable"])
    now[0] += PAUSE
    with pytest.raises(Unavailable, match="went away"):
        await watched.read()
    assert (failing.asked, told) == (3, ["witness_unavailable"])
    failing.fails = False
    now[0] += PAUSE
    assert await watched.write(b"note", b"new")
    assert told == ["witness_unavailable", "witness_available"]

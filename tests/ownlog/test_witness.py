"""The witness on other storage: one head, replaced whole, by one process at a time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from modgate.errors import Unavailable
from modgate.storage.witness import FileWitness


async def test_it_remembers_what_was_written_over_what_it_had(tmp_path: Path) -> None:
    witness = FileWitness(tmp_path / "head")
    assert await witness.read() is None
    assert await witness.write(None, b"one")
    assert not await witness.write(None, b"other")
    assert await witness.write(b"one", b"two")
    assert await FileWitness(tmp_path / "head").read() == b"two"


async def test_of_many_who_write_at_once_one_wins(tmp_path: Path) -> None:
    witnesses = [FileWitness(tmp_path / "head") for _ in range(10)]
    won = await asyncio.gather(*(one.write(None, bytes([n])) for n, one in enumerate(witnesses)))
    assert won.count(True) == 1


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

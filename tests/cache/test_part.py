"""The bytes of one download: which of them have a note, and that they become durable."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from modgate.cache.part import NOTED, Budget, Diverged, Part
from modgate.observe.metrics import Metrics
from modgate.source.base import Arriving


@pytest.fixture
def part(tmp_path: Path) -> Part:
    return Part(tmp_path, "key", Budget(1 << 30, Metrics()))


async def nothing() -> AsyncGenerator[bytes, None]:
    return
    yield


def arriving(size: int | None) -> Arriving:
    return Arriving(nothing(), size=size, url="https://example.com/m.zip", validator='"v"')


@pytest.mark.parametrize(
    ("size", "noted"),
    [(1, False), (NOTED, False), (NOTED + 1, True), (None, True)],
    ids=["tiny", "small", "large", "?"],
)
def test_only_what_is_worth_it_or_of_unknown_length_has_a_note(part: Part, size: int | None, noted: bool) -> None:
    part.begin(arriving(size), "upstream")
    assert (part.note() is not None) is noted
    part.close()


def test_a_note_that_is_there_is_kept_true(part: Part) -> None:
    part.begin(arriving(None), "one")
    part.begin(arriving(NOTED), "other")
    note = part.note()
    assert note is not None
    assert (note.source, note.size) == ("other", NOTED)
    part.close()


@pytest.mark.parametrize("size", [1000, NOTED + 1000], ids=["without a note", "with one"])
def test_a_length_that_was_told_holds_for_every_later_transfer(part: Part, size: int) -> None:
    part.begin(arriving(size), "upstream")
    part.accept(b"x" * 500)
    with pytest.raises(Diverged):
        part.begin(replace(arriving(size + 1), start=500), "upstream")
    part.begin(replace(arriving(None), start=500), "upstream")
    with pytest.raises(Diverged):
        part.accept(b"x" * (size - 499))
    part.close()


async def test_a_file_may_be_closed_while_it_becomes_durable(part: Part) -> None:
    part.accept(b"x" * NOTED)
    syncing = part.sync()
    part.close()
    assert await syncing is None
    assert part.path not in {os.readlink(one) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()}


async def test_a_disk_that_fails_is_a_result_and_nobody_has_to_wait_for_it(
    part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    assert isinstance(await part.sync(), OSError)
    part.close()

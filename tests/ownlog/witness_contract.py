"""What every witness holds to (checksum/logstore.py, Witness)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from modgate.checksum.logstore import Witness
from modgate.tlog.note import sign_note
from modgate.tlog.tree import Head, format_head
from tests.checksum.log import NAME, key_of

Make = Callable[[], Witness]
"""Another process on the same place."""

ONE, TWO, OTHER = (sign_note(format_head(Head(size, bytes(31) + bytes([size]))), [key_of(NAME)]) for size in (1, 2, 3))


class WitnessContract:
    """Inherited by the tests of each."""

    @pytest.fixture
    def make(self) -> Make:
        raise AssertionError("to be told by who inherits")

    async def test_it_remembers_what_was_written_over_what_it_had(self, make: Make) -> None:
        witness = make()
        assert await witness.read() is None
        assert await witness.write(None, ONE)
        assert not await witness.write(None, OTHER)
        assert not await witness.write(TWO, OTHER)
        assert await witness.read() == ONE
        assert await witness.write(ONE, TWO)
        assert await make().read() == TWO

    async def test_what_is_there_already_may_be_written_again(self, make: Make) -> None:
        assert await make().write(None, ONE)
        assert await make().write(ONE, ONE)
        assert await make().read() == ONE

    async def test_of_many_who_write_at_once_one_wins(self, make: Make) -> None:
        notes = [sign_note(format_head(Head(size, bytes(32))), [key_of(NAME)]) for size in range(1, 9)]
        won = await asyncio.gather(*(make().write(None, note) for note in notes))
        assert won.count(True) == 1
        assert await make().read() == notes[won.index(True)]

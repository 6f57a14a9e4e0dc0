"""Large files go to the disk while they arrive, and what goes wrong on the way is not forgotten."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from modgate.storage.writeback import EVERY, NICE, WriteBack


@pytest.fixture
def writeback() -> Iterator[WriteBack]:
    writeback = WriteBack()
    yield writeback
    writeback.close()


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path / "zip", os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


def opened(descriptor: int) -> int:
    """How many descriptors of this process lead to the same file."""
    count = 0
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # the one of the listing itself
            count += os.path.sameopenfile(descriptor, int(name))
    return count


@pytest.fixture
def unsyncable() -> Iterator[int]:
    """The kernel refuses to make a pipe durable."""
    reading, writing = os.pipe()
    yield writing
    os.close(reading)
    os.close(writing)


async def test_a_file_goes_there_bit_by_bit_and_leaves_no_descriptor_open(
    writeback: WriteBack, descriptor: int
) -> None:
    early = writeback.file()
    for round_ in range(1, 4):
        early.grown(descriptor, round_ * EVERY)
        assert await early.outcome() is None
    assert opened(descriptor) == 1


async def test_a_small_file_is_left_to_its_end(writeback: WriteBack, unsyncable: int) -> None:
    early = writeback.file()
    early.grown(unsyncable, EVERY - 1)
    assert await early.outcome() is None


async def test_what_went_wrong_once_is_told_at_the_end_although_all_went_well_since(
    writeback: WriteBack, descriptor: int, unsyncable: int
) -> None:
    early = writeback.file()
    early.grown(unsyncable, EVERY)
    await early.outcome()
    early.grown(descriptor, 2 * EVERY)
    error = await early.outcome()
    assert error is not None and error.errno == errno.EINVAL


async def test_there_is_one_round_of_a_file_at_a_time_and_the_end_waits_for_it(
    writeback: WriteBack, descriptor: int
) -> None:
    go_on = threading.Event()
    held = asyncio.get_running_loop().run_in_executor(writeback._pool, go_on.wait)
    early = writeback.file()
    for round_ in range(1, 4):
        early.grown(descriptor, round_ * EVERY)
    assert opened(descriptor) == 2
    async with asyncio.TaskGroup() as group:
        end = group.create_task(early.outcome())
        await asyncio.sleep(0)
        assert not end.done()
        go_on.set()
        await held
    assert end.result() is None


async def test_it_stands_back_behind_those_who_serve(writeback: WriteBack) -> None:
    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    mine = priority()
    theirs = await asyncio.get_running_loop().run_in_executor(writeback._pool, priority)
    assert (theirs, priority()) == (max(mine, NICE), mine)

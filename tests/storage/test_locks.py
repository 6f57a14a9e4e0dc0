"""A name is fetched by one process at a time, and the dead hold nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from modgate.storage.locks import Locks, key_of
from modgate.storage.session import session, sweep

HOLDER = """
import sys
from pathlib import Path
from modgate.storage.locks import Locks
locks = Locks(Path(sys.argv[1]))
locks.try_hold(sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""
KEY = key_of("public", "example.com/m/@v/v1.0.0.zip")


def holder(spool: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(spool), KEY]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


async def test_a_lock_is_had_by_one_and_leaves_no_file(tmp_path: Path) -> None:
    locks = Locks(tmp_path)
    async with locks.hold(KEY) as waited:
        assert not waited
        assert not locks.try_hold(KEY)
        assert not Locks(tmp_path).try_hold(KEY)
    assert os.listdir(tmp_path) == []


async def test_waiting_ends_when_the_holder_is_killed(tmp_path: Path) -> None:
    process = holder(tmp_path)
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            process.send_signal(signal.SIGKILL)

    with process:
        async with asyncio.timeout(30), Locks(tmp_path).hold(KEY, meanwhile=look) as waited:
            assert waited
    assert looks >= 2


async def test_a_hundred_holders_come_one_after_the_other(tmp_path: Path) -> None:
    locks, inside, most = Locks(tmp_path), 0, 0

    async def enter() -> None:
        nonlocal inside, most
        async with locks.hold(KEY):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(enter() for _ in range(100)))
    assert most == 1


def test_a_sweep_takes_what_the_dead_left_and_nothing_of_the_living(tmp_path: Path) -> None:
    for name in ("0123456789ab.session", "0123456789ab.7", "feedfeedfeedfeedfeedfeedfeedfeed.part"):
        (tmp_path / name).write_bytes(b"x")
    process = holder(tmp_path)
    (tmp_path / f"{KEY}.part").write_bytes(b"x")
    with process, session(tmp_path) as mine:
        (tmp_path / f"{mine}.0").write_bytes(b"x")
        assert sweep(tmp_path) == 0, "the session swept already"
        assert set(os.listdir(tmp_path)) == {f"{KEY}.part", f"{mine}.session", f"{mine}.0"}
        process.kill()

"""A program is ended with all that it started, whatever it prints and whoever holds its pipes; on both event loops."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from modgate.gateway import loop
from modgate.net import child
from modgate.net.child import Child, Pipes, running
from tests.world import eventually

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(params=[asyncio.run, loop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """The end of a coroutine in a loop of its own."""
    chosen: Run = request.param
    return chosen


async def ran(script: str, most: int = 1000, pipes: Pipes | None = None) -> tuple[Child, int]:
    async with asyncio.timeout(60):
        async with running(["/bin/sh", "-c", script], most=most, pipes=pipes or Pipes()) as started:
            status = await started.status()
        return started, status


def has_ended(pid: int) -> bool:
    """Whether it is gone; its pipes are closed a little before it is gone."""

    def looks() -> bool:
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        return True

    return eventually(looks, "it has ended")


def test_what_it_prints_and_says_is_kept(run: Run) -> None:
    started, status = run(ran("printf 1234; echo no >&2; exit 3"))
    assert (bytes(started.output), started.said, status, started.excessive) == (b"1234", "no", 3, False)


def test_the_end_of_a_long_error_text_is_kept(run: Run) -> None:
    started, _ = run(ran("i=0; while [ $i -lt 9999 ]; do echo line $i; i=$((i+1)); done >&2"))
    assert started.said.endswith("line 9998") and len(started.said) < child.TAIL


@pytest.mark.parametrize("most", [0, 1, 65535, 65536, 65537, 131072, 200_000])
def test_one_that_prints_too_much_is_ended(run: Run, most: int) -> None:
    started, status = run(ran("yes", most))
    assert started.excessive and status == -signal.SIGKILL


def test_as_much_as_is_allowed_is_not_too_much(run: Run) -> None:
    started, status = run(ran("head -c 300000 /dev/zero", 300_000))
    assert (len(started.output), started.excessive, status) == (300_000, False, 0)


def test_what_goes_to_a_descriptor_is_not_read(run: Run, tmp_path: Path) -> None:
    with (tmp_path / "out").open("w+b") as file:
        started, status = run(ran("echo 1; echo 2 >&2", 0, Pipes(stdout=file.fileno(), stderr=DEVNULL)))
        assert (status, bytes(started.output), started.said) == (0, b"", "")
        assert (tmp_path / "out").read_bytes() == b"1\n"


def test_helpers_end_with_it(run: Run, tmp_path: Path) -> None:
    async def left() -> int:
        async with running(["/bin/sh", "-c", "sleep 600 & echo $!; wait"], most=100) as started:
            while b"\n" not in started.output:
                await asyncio.sleep(0)
        return int(started.output)

    assert has_ended(run(left()))


def test_one_is_ended_when_whoever_waits_is_called_off(run: Run) -> None:
    async def called_off() -> int:
        got: list[Child] = []

        async def waits() -> None:
            async with running(["/bin/sh", "-c", "echo $$; sleep 600"], most=100) as started:
                got.append(started)
                await started.status()

        waiting = asyncio.create_task(waits())  # noqa: TID251  # cancelled and awaited right below
        while not got or b"\n" not in got[0].output:
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        return int(got[0].output)

    assert has_ended(run(called_off()))


def test_a_start_that_is_called_off_leaves_nothing(run: Run, tmp_path: Path) -> None:
    async def called_off() -> None:
        async def waits() -> None:
            async with running(["/bin/sh", "-c", f"echo $$ > {tmp_path}/pid; sleep 600"], most=100):
                raise AssertionError

        waiting = asyncio.create_task(waits())  # noqa: TID251  # cancelled and awaited right below
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()

    run(called_off())
    pid = tmp_path / "pid"
    if pid.exists() and pid.read_text():
        assert has_ended(int(pid.read_text()))


@pytest.mark.parametrize(("script", "writes"), [("setsid sleep 600", False), ("setsid yes", True)])
def test_one_that_has_left_the_group_holds_nobody_up(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, *, writes: bool
) -> None:
    monkeypatch.setattr(child, "END_SECONDS", 0.05)
    pid = tmp_path / "pid"

    async def leaves() -> Child:
        words = ["/bin/sh", "-c", f"{script} & echo $! > {pid}; wait"]
        async with asyncio.timeout(30), running(words, most=100_000) as started:
            while not pid.exists() or not pid.read_text():
                await asyncio.sleep(0)
        return started

    try:
        assert not run(leaves()).said
        # It is not ours to end; but what it writes goes nowhere any more.
        assert has_ended(int(pid.read_text())) if writes else psutil.pid_exists(int(pid.read_text()))
    finally:
        with suppress(ProcessLookupError):
            os.kill(int(pid.read_text()), signal.SIGKILL)


def test_a_program_that_is_not_there_is_an_error(run: Run) -> None:
    async def starts() -> None:
        async with running(["/no/such/program"], most=0):
            raise AssertionError

    with pytest.raises(FileNotFoundError):
        run(starts())

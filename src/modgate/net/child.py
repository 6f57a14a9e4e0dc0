"""Another program, run with a bound on what it prints, and ended with all its helpers.

Belongs here: the process. Not here: how long it may run, and what its output means (whoever runs it).
"""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

TAIL = 8192
"""Bytes of error text that are kept: its last lines tell why."""
END_SECONDS = 5.0
"""For the end of a program that was killed: a helper that has left its group may keep a pipe open."""


@dataclass(frozen=True, slots=True)
class Pipes:
    """What a program reads, prints and says goes to: a descriptor, or the constants of asyncio.subprocess."""

    stdin: int = DEVNULL
    stdout: int = PIPE
    stderr: int = PIPE


class Child(asyncio.SubprocessProtocol):
    """A running program.

    It is read all the time, whoever waits for what: one whose pipe nobody empties would never be seen to end.
    """

    def __init__(self, most: int) -> None:
        self.output = bytearray()
        """What it has printed; it is ended when that is more than `most` bytes."""
        self._most = most
        self._said = bytearray()
        self._ended = asyncio.Event()
        self._transport: asyncio.SubprocessTransport | None = None

    @property
    def excessive(self) -> bool:
        """Whether it printed more than it may."""
        return len(self.output) > self._most

    @property
    def said(self) -> str:
        """The end of its error text."""
        return self._said.decode(errors="replace").strip()

    async def status(self) -> int:
        """Its status once it has ended and its pipes are closed; less than 0 for a signal."""
        await self._ended.wait()
        assert self._transport is not None
        status = self._transport.get_returncode()
        assert status is not None
        return status

    def kill(self) -> None:
        """End it with its helpers, which are in its group and would outlive it."""
        if self._transport is not None and self._transport.get_returncode() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._transport.get_pid(), signal.SIGKILL)

    async def leave(self) -> None:
        """Kill it, wait for its end, and let go of its pipes, whoever still holds them."""
        self.kill()
        with suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await self._ended.wait()
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of asyncio's protocol."""
        self._transport = cast(asyncio.SubprocessTransport, transport)  # uvloop's own has no such base

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Part of asyncio's protocol."""
        if fd != 1:
            self._said += data
            del self._said[:-TAIL]
        elif not self.excessive:
            self.output += data
            if self.excessive:
                self.kill()

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of asyncio's protocol: it has ended, and its pipes are closed."""
        self._ended.set()


@asynccontextmanager
async def running(
    words: Sequence[str],
    *,
    most: int,
    pipes: Pipes = Pipes(),
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[Child]:
    """The program `words[0]` with its arguments, in a session of its own, until the block is left.

    `most` bounds what it prints, in bytes; without `environ` it has ours.

    Raises:
        OSError: it cannot be started.
    """
    child = await _born(words, most, pipes, cwd, environ)
    try:
        yield child
    finally:
        child.kill()  # now: a loop that ends calls off `leave` before it has begun
        await asyncio.shield(child.leave())


async def _born(
    words: Sequence[str], most: int, pipes: Pipes, cwd: Path | None, environ: Mapping[str, str] | None
) -> Child:
    loop = asyncio.get_running_loop()
    starting = loop.create_task(
        loop.subprocess_exec(
            lambda: Child(most),
            *words,
            cwd=cwd,
            env=environ,
            stdin=pipes.stdin,
            stdout=pipes.stdout,
            stderr=pipes.stderr,
            start_new_session=True,
        )
    )
    try:
        return (await asyncio.shield(starting))[1]
    except asyncio.CancelledError:
        # Cancelled in the middle of it, asyncio would wait for pipes that are never connected, and kill the program
        # without its children.
        with suppress(OSError):
            await (await starting)[1].leave()
        raise

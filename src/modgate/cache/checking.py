"""The parent's side of the checking child (checker.py)."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import asdict, dataclass, field
from typing import Any

from modgate.errors import Corrupt, Trouble, Unavailable
from modgate.gomod.modzip import ZipLimits
from modgate.observe import families
from modgate.observe.metrics import Metrics
from modgate.source.base import Ask

TELL_EVERY = 1 << 20
"""Bytes between two messages about one growing file."""
ATTEMPTS = 2
"""A check whose child died is tried once more: the death may have been another zip's doing."""
PATIENCE = 120.0
"""Seconds after the last byte, and RATE for each of them, until a child that says nothing is replaced: it may be
stopped, or wait for a disk."""
RATE = 2e-6
"""Seconds for a byte: fifty times what the check takes on an idle core, as others may be before it."""
LEAVE = 5.0
"""Seconds in which the child ends when nobody talks to it any more."""
LINE = 1 << 16
"""Bytes of one verdict, at most."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What a zip that obeys the rules of protocol.md §3 consists of."""

    h1: str
    sha256: str
    """Of the file, in hex."""
    files: int


@dataclass(slots=True)
class Job:
    """The check of one growing file."""

    number: int
    ask: Ask
    path: str
    checker: Checker
    verdict: asyncio.Future[Sums]
    attempts: int = 1
    size: int = 0
    ended: bool = False
    _told: int = field(default=0)

    def grow(self, size: int) -> None:
        """So many bytes lie in the file."""
        self.size = size
        if size - self._told >= TELL_EVERY:
            self._told = size
            self.checker.tell({"job": self.number, "size": size})

    async def finish(self, size: int) -> Sums:
        """No more bytes will come: the verdict.

        Raises:
            Corrupt: it is no module zip of this module and version.
            Unavailable: the check itself failed.
        """
        self.size, self.ended = size, True
        began = asyncio.get_running_loop().time()
        self.checker.tell({"job": self.number, "size": size, "end": True})
        try:
            while True:
                done, _ = await asyncio.wait([self.verdict], timeout=self.checker.patience + size * RATE)
                if done:
                    return await self.verdict
                self.checker.replace()
        finally:
            self.checker.took(asyncio.get_running_loop().time() - began)

    def drop(self) -> None:
        """Nobody wants to know any more."""
        self.checker.forget(self)


class Checker:
    """Starts the child at the first zip, and a new one when it dies."""

    def __init__(self, limits: ZipLimits, metrics: Metrics, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._limits = asdict(limits)
        self._metrics = metrics
        self._numbers = itertools.count(1)
        self._jobs: dict[int, Job] = {}
        self._child: Process | None = None
        self._starting = asyncio.Lock()
        self._listening: asyncio.Task[None] | None = None

    async def begin(self, ask: Ask, path: str) -> Job:
        """Begin to check the file at `path`, which may still grow.

        Raises:
            Unavailable: the child cannot be started.
        """
        job = Job(next(self._numbers), ask, path, self, asyncio.get_running_loop().create_future())
        async with self._starting:
            if self._child is None:
                await self._start()
            # Not before there is a child, or the death of the last one would introduce it a second time.
            self._jobs[job.number] = job
            self._introduce(job)
        return job

    def tell(self, message: dict[str, Any]) -> None:
        if self._child is not None and self._child.stdin is not None and not self._child.stdin.is_closing():
            self._child.stdin.write(json.dumps(message).encode() + b"\n")

    def took(self, seconds: float) -> None:
        """A verdict came so long after the last byte."""
        self._metrics.histogram(families.CHECK_SECONDS).observe(seconds)

    def replace(self) -> None:
        """The child says nothing any more: its jobs go to a new one."""
        if self._child is not None and self._child.returncode is None:
            self._child.kill()

    def forget(self, job: Job) -> None:
        if self._jobs.pop(job.number, None) is not None:
            self.tell({"job": job.number, "drop": True})
        job.verdict.cancel()

    async def close(self) -> None:
        """End the child and wait for it."""
        if self._listening is not None:
            self._listening.cancel()
        if self._child is not None:
            if self._child.stdin is not None:
                self._child.stdin.close()
            try:
                async with asyncio.timeout(LEAVE):
                    await self._child.wait()
            except TimeoutError:
                self._child.kill()
                await self._child.wait()

    async def _start(self) -> None:
        command = (sys.executable, "-I", "-m", "modgate.cache.checker")
        try:
            child = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, limit=LINE)
        except OSError as error:
            reason = f"cannot start the process that checks zips ({error.strerror})"
            raise Unavailable(reason=reason, trouble=Trouble.OURS) from error
        self._child = child
        self._listening = asyncio.get_running_loop().create_task(self._listen(child))  # ended by close

    def _introduce(self, job: Job) -> None:
        ask = job.ask
        self.tell(
            {"job": job.number, "path": job.path, "module": ask.path, "version": ask.version, "limits": self._limits}
        )
        if job.size:
            self.tell({"job": job.number, "size": job.size, "end": job.ended})

    async def _listen(self, child: Process) -> None:
        assert child.stdout is not None
        try:
            while line := await child.stdout.readline():
                self._settle(json.loads(line))
        except ValueError:
            child.kill()  # what it says cannot be understood any more: its jobs go to a new one
        await child.wait()
        async with self._starting:
            self._child = None
            await self._again()

    def _settle(self, said: dict[str, Any]) -> None:
        job = self._jobs.pop(said["job"], None)
        if job is None or job.verdict.done():
            return
        if "h1" in said:
            self._metrics.counter(families.CHECKS, "good").add()
            job.verdict.set_result(Sums(said["h1"], said["sha256"], said["files"]))
        elif "why" in said:
            self._metrics.counter(families.CHECKS, "bad").add()
            job.verdict.set_exception(Corrupt(asked=str(job.ask), reason=f"is no module zip: {said['why']}"))
        else:
            self._fail(job, str(said["failed"]))
        # Whoever waits retrieves it; a download that broke meanwhile does not.
        if job.verdict.done() and not job.verdict.cancelled():
            job.verdict.exception()

    def _fail(self, job: Job, why: str) -> None:
        self._metrics.counter(families.CHECKS, "failed").add()
        reason = f"could not check the zip ({why})"
        job.verdict.set_exception(Unavailable(asked=str(job.ask), reason=reason, trouble=Trouble.OURS))
        job.verdict.exception()

    async def _again(self) -> None:
        """The child died: give its jobs to a new one, each at most once."""
        jobs = list(self._jobs.values())
        self._jobs = {job.number: job for job in jobs if job.attempts < ATTEMPTS}
        for job in jobs:
            if job.attempts >= ATTEMPTS and not job.verdict.done():
                self._fail(job, "the checking process died twice")
            job.attempts += 1
        if self._jobs:
            try:
                await self._start()
            except Unavailable as error:
                for job in self._jobs.values():
                    self._fail(job, error.reason)
                self._jobs = {}
                return
            for job in list(self._jobs.values()):
                self._introduce(job)

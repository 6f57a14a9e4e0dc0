"""One worker as its parent sees it: a process that is started again when it dies."""

from __future__ import annotations

import asyncio
import itertools
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Sequence
from typing import Any

from modgate.errors import SetupError
from modgate.gateway.control import Channel
from modgate.observe.joining import Snapshot, joined, lasting, snapshot
from modgate.settings.loaded import Loaded

REPORT_SECONDS = 2.0
"""How long a worker is waited for that shall report: one that is stopped must not hold up the others' numbers."""


class Member:
    """A worker and the listening sockets that are its own, whatever happens to its process."""

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        standing: Callable[[], Sequence[dict[str, Any]]],
        saw: Callable[[str, dict[str, Any]], None],
    ) -> None:
        """`standing` gives what each new process is told when it serves; `saw` is told of its events about states."""
        self.sockets = tuple(sockets)
        self._standing = standing
        self._saw = saw
        self.ready = asyncio.Event()
        """Set while its process serves."""
        self.has_served = False
        self.failure: SetupError | None = None
        """Why its process could not start."""
        self.checks: list[dict[str, Any]] = []
        """What it last said of its readiness."""
        self.upstreams: list[dict[str, Any]] = []
        """What it last said of the upstreams (upstreams_told.py)."""
        self._samples: Snapshot = []
        self._past: Snapshot = []
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[None]] = {}
        self._closed = False
        self._channel: Channel | None = None
        self._process: Process | None = None

    @property
    def samples(self) -> Snapshot:
        """What it last counted, and what its dead processes had."""
        return snapshot(joined([self._past, self._samples]))

    async def run(self, loaded: Loaded) -> int:
        """One life of its process; returns the exit status.

        Raises:
            OSError: it cannot be started.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            descriptors = [theirs.fileno(), *(one.fileno() for one in self.sockets)]
            command = (sys.executable, "-I", "-m", "modgate.gateway.worker", *map(str, descriptors))
            self._process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, pass_fds=descriptors)
        self._channel = await Channel.over(ours)
        self._channel.send_settings(loaded)
        if self._closed:
            self.say("stop")  # which was said while there was nobody yet to hear it
        try:
            async for message in self._channel.messages():
                self._heard(message)
            return await self._process.wait()
        finally:
            self._ended()

    def say(self, what: str) -> None:
        """Tell its process, if there is one: reload, stop or cut."""
        self.order({"do": what})

    def order(self, message: dict[str, Any]) -> None:
        """As `say`, with more than a word."""
        if self._channel is not None:
            self._channel.send(message)

    def close(self) -> None:
        """No further process of it will serve."""
        self._closed = True
        for one in self.sockets:
            one.close()

    def kill(self) -> None:
        """End its process, whatever it does."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def report(self) -> bool:
        """Ask for its numbers; False if it does not answer."""
        if self._channel is None or not self.ready.is_set():
            return False
        number = next(self._numbers)
        asked = self._asked[number] = asyncio.get_running_loop().create_future()
        self._channel.send({"do": "report", "number": number})
        try:
            async with asyncio.timeout(REPORT_SECONDS):
                await asked
        except TimeoutError:
            return False
        finally:
            self._asked.pop(number, None)
        return True

    def _heard(self, message: dict[str, Any]) -> None:
        match message["is"]:
            case "ready":
                self.ready.set()
                self.has_served = True
                for order in self._standing():
                    self.order(order)
            case "failed":
                self.failure = SetupError(message["field"], message["problem"], message["remedy"])
            case "state":
                self._saw(message["event"], message["fields"])
            case "report":
                self._samples, self.checks = message["samples"], message["checks"]
                self.upstreams = message["upstreams"]
                asked = self._asked.get(message["number"])
                if asked is not None and not asked.done():
                    asked.set_result(None)

    def _ended(self) -> None:
        self.ready.clear()
        self._past, self._samples, self.checks, self.upstreams = lasting(self.samples), [], [], []
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        for asked in self._asked.values():
            if not asked.done():
                asked.set_result(None)

"""Several workers and their parent.

The parent binds the data port once for each worker (SO_REUSEPORT: the kernel spreads clients over the sockets), keeps
these sockets open itself, starts a worker on each, and starts another one when it dies. It has the admin port and no
part in serving, so that nothing that happens there holds up a download. Nothing that matters for correctness lives in
one worker: what they share is the data directory.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from modgate.errors import SetupError
from modgate.gateway.announcing import about, announced
from modgate.gateway.controlling import controlled
from modgate.gateway.drill_control import Drills
from modgate.gateway.member import Member
from modgate.gateway.shares import SETTLE, shared
from modgate.gateway.states import States
from modgate.gateway.telling import Telling, telling
from modgate.gateway.upstreams_told import Told, merged
from modgate.observe import families
from modgate.observe.access_log import AccessLog
from modgate.observe.exposition import render
from modgate.observe.joining import joined, snapshot
from modgate.serve.health import Check
from modgate.serve.lifecycle import Lifecycle, on_signals
from modgate.serve.sockets import bind, spelled
from modgate.settings.loaded import Loaded

if TYPE_CHECKING:
    from modgate.serve.listener import Listener

PATIENCE = 10.0
"""Seconds beyond the drain time that a worker may take to end before it is killed."""
PAUSES = (0.0, 0.1, 0.5, 1.0, 5.0)
"""Seconds before a worker that died is replaced: at once the first time, later when it dies again and again."""
STEP = 0.01
"""Seconds between two looks at whether all workers serve."""
TRIES = 3
"""Deaths of a worker that never served, after which the gateway does not start."""
STEADY = 30.0
"""Seconds after which a worker's earlier deaths are forgotten."""


async def lead(loaded: Loaded, number: int) -> int:
    """Run `number` workers until a signal says stop; returns the exit status.

    Raises:
        SetupError: the gateway cannot start.
    """
    told = telling(loaded.settings)
    for warning in loaded.warnings:
        told.log.warning(warning)
    async with AsyncExitStack() as stack:
        team = Team(loaded, _bound(stack, loaded, number), told)
        await team.run(stack, lambda: _admin(stack, loaded, team, told))
    return 0


def _bound(stack: AsyncExitStack, loaded: Loaded, number: int) -> list[list[socket.socket]]:
    """The sockets of each worker, all on one port."""
    address, made = loaded.meaning.listen, list[list[socket.socket]]()
    for _ in range(number):
        sockets = bind(str(address), field="listen", reuse_port=True)
        for one in sockets:
            stack.callback(one.close)
        address = replace(address, port=sockets[0].getsockname()[1])
        made.append(sockets)
    return made


def _admin(stack: AsyncExitStack, loaded: Loaded, team: Team, told: Telling) -> list[Listener]:
    if loaded.meaning.admin is None:
        return []
    from modgate.gateway.operators import admin_port  # what it imports is waited for while the workers start

    sockets = bind(str(loaded.meaning.admin), field="admin")
    return [
        admin_port(
            stack,
            loaded,
            sockets,
            checks=team.checks,
            scrape=team.scrape,
            prepare=team.ask_all,
            upstreams=team.known,
            telling=told,
        )
    ]


class Team:
    """The workers, from the first start to the last end."""

    def __init__(self, loaded: Loaded, sockets: Sequence[Sequence[socket.socket]], told: Telling) -> None:
        self._loaded = loaded
        self._share = replace(loaded, settings=shared(loaded.settings, len(sockets)))
        self._told = told
        self._drills = Drills(self._order, self.upstreams, told.events)
        self._states = States(told.events)
        self._members = [
            Member(own, self._drills.standing, partial(self._states.seen, number)) for number, own in enumerate(sockets)
        ]
        self._addresses = [spelled(one.getsockname()) for one in sockets[0]]
        self._silent: list[int] = []
        self._halted = asyncio.Event()
        """Set when no worker shall be started any more."""
        told.metrics.read(families.WORKERS, lambda: sum(member.ready.is_set() for member in self._members))
        self._restarts = told.metrics.counter(families.WORKER_RESTARTS)

    async def run(self, stack: AsyncExitStack, open_admin: Callable[[], list[Listener]]) -> None:
        """Start the workers, have the admin port and the control socket answered, and see all to their end.

        Raises:
            SetupError: a worker cannot start, or the admin port cannot be opened.
        """
        loop = asyncio.get_running_loop()
        # No group: whatever ends first, the others are seen to their end below.
        workers = [loop.create_task(self._keep(number)) for number in range(len(self._members))]
        try:
            await asyncio.sleep(0)
            admin = open_admin()
            lifecycle = Lifecycle(admin, [], AccessLog("off"), self._loaded.settings.drain_time)
            on_signals(lambda: self._stop(lifecycle), lambda: self._say("reload"))
            if await self._started(workers):
                data = self._addresses
                commands = {**self._drills.commands(), "about": about(self._loaded, lambda: data)}
                await controlled(stack, self._loaded.settings.data, commands, self._told.log)
                await lifecycle.run(started=lambda: announced(self._loaded, data, *(one.addresses for one in admin)))
            await self._ended(workers)
        finally:
            self._halted.set()
            for member in self._members:
                member.kill()
            await asyncio.gather(*workers, return_exceptions=True)

    async def ask_all(self) -> None:
        """Ask every worker for its numbers, before they are shown."""
        answered = await asyncio.gather(*(member.report() for member in self._members))
        self._silent = [number for number, well in enumerate(answered, 1) if not well]

    async def upstreams(self) -> list[Told]:
        """What all workers know of the upstreams now, as one."""
        await self.ask_all()
        return await self.known()

    async def known(self) -> list[Told]:
        """What they knew when they were asked last."""
        return merged(member.upstreams for member in self._members)

    def checks(self) -> list[Check]:
        """What readiness depends on: a check is as well as in the worker where it is worst."""
        found: dict[str, Check] = {}
        for member in self._members:
            for fields in member.checks:
                check = Check(**fields)
                if check.name not in found or not check.ok:
                    found[check.name] = check
        silent = f"no answer from {', '.join(map(str, self._silent))} of {len(self._members)}" if self._silent else ""
        return [*found.values(), Check("workers", not silent, silent)]

    def scrape(self) -> tuple[bytes, str]:
        """The metrics of all, and their media type."""
        own = snapshot(self._told.metrics.samples())
        return render(joined([own, *(member.samples for member in self._members)]))

    async def _started(self, workers: Sequence[asyncio.Future[None]]) -> bool:
        """Wait until all serve; False if we are told to stop before."""
        while not all(member.ready.is_set() for member in self._members):
            await asyncio.wait(workers, timeout=STEP, return_when=asyncio.FIRST_COMPLETED)
            for worker in workers:
                if worker.done():
                    worker.result()
                    return False
        return not self._halted.is_set()

    async def _ended(self, workers: Sequence[asyncio.Future[None]]) -> None:
        """Wait for the workers' ends, and kill those that do not come to it."""
        limit = self._loaded.settings.drain_time + SETTLE + PATIENCE
        _, late = await asyncio.wait(workers, timeout=limit)
        if late:
            self._told.log.error("workers did not end and are killed", workers=len(late), seconds=limit)

    async def _keep(self, number: int) -> None:
        """Run one worker, again and again until we stop.

        Raises:
            SetupError: it says that it cannot start, before it ever served.
        """
        member, deaths, served = self._members[number], 0, False
        loop = asyncio.get_running_loop()
        while not self._halted.is_set():
            began = loop.time()
            try:
                status = await member.run(self._share)
            except OSError as error:
                raise SetupError(
                    "workers", f"a worker cannot be started ({error})", "free memory, or run fewer"
                ) from error
            if self._halted.is_set():
                return
            served = served or member.has_served
            deaths = 1 if loop.time() - began > STEADY else deaths + 1
            if not served and (member.failure is not None or deaths == TRIES):
                raise member.failure or SetupError(
                    "workers", f"a worker ended {TRIES} times before it served (status {status})", "see the log for why"
                )
            self._restarts.add()
            self._told.events.emit("worker_died", worker=number + 1, status=status)
            self._states.ended(number)
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSES[min(deaths, len(PAUSES)) - 1]):
                    await self._halted.wait()

    def _stop(self, lifecycle: Lifecycle) -> None:
        self._say("cut" if self._halted.is_set() else "stop")
        self._halted.set()
        # Nobody shall wait at a port that is served no more.
        for member in self._members:
            member.close()
        lifecycle.stop()

    def _say(self, what: str) -> None:
        self._order({"do": what})

    def _order(self, message: dict[str, Any]) -> None:
        for member in self._members:
            member.order(message)

"""`workers = 1`: one process does everything, with its checking child."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial

from modgate.gateway.announcing import about, announced
from modgate.gateway.controlling import controlled
from modgate.gateway.drill_control import Drills, obey
from modgate.gateway.operators import admin_port
from modgate.gateway.process import opened
from modgate.gateway.telling import telling
from modgate.gateway.upstreams_told import Told, merged
from modgate.gateway.upstreams_told import told as upstreams_told
from modgate.observe import families
from modgate.observe.exposition import render
from modgate.serve.lifecycle import Lifecycle, on_signals
from modgate.serve.sockets import bind
from modgate.settings.loaded import Loaded


async def run(loaded: Loaded) -> int:
    """Serve until a signal says stop; returns the exit status.

    Raises:
        SetupError: it cannot start.
    """
    told, meaning = telling(loaded.settings), loaded.meaning
    told.metrics.gauge(families.WORKERS).set(1)
    for warning in loaded.warnings:
        told.log.warning(warning)
    async with AsyncExitStack() as stack:
        process = await opened(stack, loaded, told, bind(str(meaning.listen), field="listen"))
        listeners = [process.data]

        async def known() -> list[Told]:
            return merged([upstreams_told(process.upstreams)])

        if meaning.admin is not None:
            admin = admin_port(
                stack,
                loaded,
                bind(str(meaning.admin), field="admin"),
                checks=process.checks,
                scrape=lambda: render(told.metrics.samples()),
                prepare=_nothing,
                upstreams=known,
                telling=told,
            )
            listeners.append(admin)
        drills = Drills(partial(obey, upstreams=process.upstreams), known, told.events)
        commands = {**drills.commands(), "about": about(loaded, lambda: process.data.addresses)}
        await controlled(stack, loaded.settings.data, commands, told.log)
        ports, seconds = [*listeners, *process.others], loaded.settings.drain_time
        lifecycle = Lifecycle(ports, process.watches(), process.access_log, seconds)
        on_signals(lifecycle.stop, process.reload)
        await lifecycle.run(started=lambda: announced(loaded, *(listener.addresses for listener in listeners)))
        await process.settle()
    return 0


async def _nothing() -> None:
    """Its own numbers are always there."""

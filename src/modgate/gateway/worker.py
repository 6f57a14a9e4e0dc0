"""A worker: one serving process among several, started by team.py as `python -m modgate.gateway.worker`.

Its arguments are descriptors: the line to its parent, then the listening sockets that are its own. They stay open in
the parent too, so that a client who connects while a worker is being replaced waits for the next one.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict

from modgate.errors import SetupError
from modgate.gateway import loop
from modgate.gateway.control import Channel, receive_settings
from modgate.gateway.drill_control import obey
from modgate.gateway.process import Process, opened
from modgate.gateway.telling import telling
from modgate.gateway.upstreams_told import told
from modgate.observe.joining import snapshot
from modgate.serve import garbage
from modgate.serve.lifecycle import Lifecycle, allow_descriptors
from modgate.settings.loaded import Loaded


def main(arguments: Sequence[str]) -> int:
    """Serve until the parent says stop, or is gone."""
    # A Ctrl-C in the terminal is for the parent, and so is a reload.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    garbage.postpone()
    allow_descriptors()
    end, *sockets = (socket.socket(fileno=int(descriptor)) for descriptor in arguments)
    for one in (end, *sockets):
        one.set_inheritable(False)
    try:
        loaded = receive_settings(end)
    except EOFError:
        return 1
    return loop.run(run(loaded, end, sockets))


async def run(loaded: Loaded, end: socket.socket, sockets: Sequence[socket.socket]) -> int:
    """As `main`, in a running event loop; returns the exit status."""
    channel = await Channel.over(end)
    told = telling(loaded.settings, lambda name, fields: channel.send({"is": "state", "event": name, "fields": fields}))
    try:
        async with AsyncExitStack() as stack:
            process = await opened(stack, loaded, told, sockets)
            ports, seconds = [process.data, *process.others], loaded.settings.drain_time
            lifecycle = Lifecycle(ports, process.watches(), process.access_log, seconds)
            # A supervisor may tell each process of a group, once more than its parent does: only the parent cuts.
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lifecycle.drain)
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(_listen(channel, process, lifecycle))
                await lifecycle.run(started=lambda: channel.send({"is": "ready"}))
                await process.settle()
                _report(channel, process, 0)
                listening.cancel()
    except SetupError as error:
        channel.send({"is": "failed", "field": error.field, "problem": error.problem, "remedy": error.remedy})
        return 2
    finally:
        channel.close()
    return 0


async def _listen(channel: Channel, process: Process, lifecycle: Lifecycle) -> None:
    async for message in channel.messages():
        match message["do"]:
            case "report":
                _report(channel, process, message["number"])
            case "drill" | "drill_over":
                obey(message, process.upstreams)
            case "reload":
                process.reload()
            case "stop":
                lifecycle.drain()
            case "cut":
                lifecycle.drain()
                lifecycle.cut()
    lifecycle.drain()


def _report(channel: Channel, process: Process, number: int) -> None:
    checks = [asdict(check) for check in process.checks()]
    samples = snapshot(process.telling.metrics.samples())
    report = {"is": "report", "number": number, "samples": samples, "checks": checks}
    channel.send({**report, "upstreams": told(process.upstreams)})


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:]))

"""Drills on a gateway that runs: an upstream is kept from answering, in every serving process, until the drill is over.

A drill ends when its time is up, when its client says so or is gone, or with the gateway. Each serving process knows
the time by itself, so that nothing that happens to the one who ordered it makes it last longer.

Belongs here: ordering. Not here: how an upstream is kept from answering (source/rehearsal.py), what is measured
(drill.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast, get_args

from modgate.errors import SetupError
from modgate.gateway.controlling import Command, Request
from modgate.gateway.upstreams_told import Told
from modgate.gomod.chain import without_credentials
from modgate.observe.events import Events
from modgate.source.rehearsal import How

if TYPE_CHECKING:
    # A parent of workers has no upstreams: it does without what they are made of.
    from modgate.gateway.upstreams import Upstreams

LONGEST = 3600.0
"""Seconds: whoever rehearses an outage for longer makes one."""

Order = dict[str, Any]
"""{"do": "drill", "upstream": name, "seconds": s, "how": …} or {"do": "drill_over", "upstream": name}, for a serving
process."""


def obey(order: Order, upstreams: Upstreams) -> None:
    """In a serving process: begin or end a drill."""
    for known in upstreams.all:
        if known.name == order["upstream"]:
            if order["do"] == "drill":
                known.rehearsal.begin(float(order["seconds"]), cast(How, order["how"]))
            else:
                known.rehearsal.end()


@dataclass(slots=True)
class _Drill:
    upstream: str
    how: str
    until: float
    """In seconds of the event loop's clock."""


class Drills:
    """The drill of this gateway: one at a time."""

    def __init__(
        self, say: Callable[[Order], None], told: Callable[[], Awaitable[Sequence[Told]]], events: Events
    ) -> None:
        """`say` tells every serving process; `told` gives what all of them know of each upstream now."""
        self._say = say
        self._told = told
        self._events = events
        self._now: _Drill | None = None

    def standing(self) -> list[Order]:
        """What a process has to be told that has just started."""
        if self._now is None:
            return []
        left = self._now.until - asyncio.get_running_loop().time()
        return [_order(self._now, left)] if left > 0 else []

    async def begin(self, request: Request, held: AsyncExitStack) -> object:
        """The command `drill`; it ends with `held`.

        Raises:
            SetupError: no such upstream, an odd time, or there is one already.
        """
        wanted, seconds, how = _read(request)
        names = [one["name"] for one in await self._told()]
        if wanted not in names:
            known = ", ".join(names) or "there are none"
            raise SetupError("--upstream", f"{wanted} is no upstream of this gateway", f"name one of these: {known}")
        if self._now is not None:
            raise SetupError("drill", f"a drill on {self._now.upstream} is under way", "wait for its end")
        loop = asyncio.get_running_loop()
        drill = self._now = _Drill(wanted, how, loop.time() + seconds)
        timer = loop.call_later(seconds, self._end, drill)
        held.callback(timer.cancel)
        held.callback(self._end, drill)
        self._say(_order(drill, seconds))
        self._events.emit("drill_begun", source=wanted, how=how, seconds=seconds)
        return {"upstream": wanted, "seconds": seconds, "how": how}

    async def end(self, request: Request, held: AsyncExitStack) -> object:
        """The command `drill_over`: now, without waiting for the time or the connection."""
        if self._now is not None:
            self._end(self._now)
        return {}

    async def upstreams(self, request: Request, held: AsyncExitStack) -> object:
        """The command `upstreams`: what is known of each."""
        return await self._told()

    def commands(self) -> dict[str, Command]:
        """All that the control socket knows."""
        return {"upstreams": self.upstreams, "drill": self.begin, "drill_over": self.end}

    def _end(self, drill: _Drill) -> None:
        if self._now is drill:
            self._now = None
            self._say({"do": "drill_over", "upstream": drill.upstream})
            self._events.emit("drill_over", source=drill.upstream)


def _order(drill: _Drill, seconds: float) -> Order:
    return {"do": "drill", "upstream": drill.upstream, "seconds": seconds, "how": drill.how}


def _read(request: Request) -> tuple[str, float, str]:
    upstream, seconds, how = request.get("upstream"), request.get("seconds"), request.get("how", "refuse")
    if not isinstance(upstream, str) or not upstream:
        raise SetupError("--upstream", "is not given", "name an upstream of this gateway")
    if not isinstance(seconds, int | float) or not 1 <= seconds <= LONGEST:
        raise SetupError("--for", "is no time for a drill", f"give 1s to {LONGEST:.0f}s")
    if how not in get_args(How):
        raise SetupError("--how", f"{how!r} is no way to fail", f"give one of {', '.join(get_args(How))}")
    return without_credentials(upstream).rstrip("/"), float(seconds), how

"""A failover rehearsal on a gateway that runs: one upstream is kept from answering, and clients go on asking.

The asks are lists, with `Cache-Control: no-cache`: each of them has to come from an upstream, and a gateway answers
from its store only when none does.

Belongs here: asking and watching the clock. Not here: what keeps the upstream from answering (drill_control.py), what
the figures mean (drill_report.py).
"""

from __future__ import annotations

import itertools
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from itertools import islice
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit

from modgate.gateway.controlling_client import Control
from modgate.gateway.drill_report import Ask, Seen
from modgate.gomod.escape import escape_path
from modgate.gomod.paths import check_path

ASKERS = 4
"""Clients at once."""
PAUSE = 0.25
"""Seconds between two asks of one client; a gateway asks its upstreams for one list once a second at most."""
BEFORE = 3.0
"""Seconds of asks before the drill, to compare with."""
AFTER = 60.0
"""Seconds that the return may take at most."""
STEADY = 2.0
"""Seconds of asks after the return."""
PATIENCE = 60.0
"""Seconds that a client waits for one answer."""
LOOK = 0.1
"""Seconds between two looks at the breaker."""
SAMPLE = 5
"""Modules that are asked for where nobody names any."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be rehearsed."""

    upstream: str
    seconds: float
    how: str
    modules: tuple[str, ...]
    """Module paths, unescaped."""


def stored_modules(data: Path, most: int = SAMPLE) -> list[str]:
    """Paths of some modules that are stored, escaped as they lie there."""
    root = data / "modules" / "public"
    found = (folder.parent for folder in root.rglob("@v") if folder.is_dir())
    return [str(path.relative_to(root)) for path in islice(found, most)]


def rehearse(control: Control, base: str, plan: Plan, progress: Callable[[str], None]) -> Seen:
    """Run the drill; `base` is the URL of the data port. Whatever happens, it is over when this returns.

    Raises:
        SetupError: the gateway does not do it.
    """
    targets = [_target(path) for path in plan.modules]
    stop, asks, zero = Event(), list[Ask](), time.monotonic() + BEFORE
    askers = [
        # Daemons: whoever breaks the drill off does not wait for answers that hang.
        Thread(target=_ask_on, args=(base, [*targets[number:], *targets[:number]], zero, asks, stop), daemon=True)
        for number in (index % len(targets) for index in range(ASKERS))
    ]
    try:
        for asker in askers:
            asker.start()
        progress(f"asking for {len(targets)} modules, {BEFORE:g} s before the drill")
        time.sleep(max(0.0, zero - time.monotonic()))
        begun = control.ask("drill", upstream=plan.upstream, seconds=plan.seconds, how=plan.how)
        zero_now, when = time.monotonic(), datetime.now(UTC)
        progress(f"{begun['upstream']} is kept from answering for {plan.seconds:g} s")
        left_alone = _until(control, begun["upstream"], plan.seconds, is_up=False)
        time.sleep(max(0.0, zero_now + plan.seconds - time.monotonic()))
        control.ask("drill_over")
        progress("the upstream may answer again")
        returned = _until(control, begun["upstream"], AFTER, is_up=True)
        time.sleep(STEADY)
    finally:
        stop.set()
    for asker in askers:
        asker.join(PATIENCE)
    # What was asked before counts from the moment at which the drill began, not from when it should have.
    moved = tuple(replace(ask, at=ask.at + zero - zero_now) for ask in sorted(asks, key=lambda ask: ask.at))
    return Seen(
        gateway=base,
        upstream=begun["upstream"],
        how=plan.how,
        began=when.isoformat(timespec="seconds"),
        seconds=plan.seconds,
        modules=plan.modules,
        asks=moved,
        left_alone=left_alone,
        returned=returned,
    )


def _target(path: str) -> str:
    return f"{path if '!' in path else escape_path(check_path(path))}/@v/list"


def _until(control: Control, upstream: str, most: float, *, is_up: bool) -> float | None:
    """Seconds until the upstream's breaker is as wanted; None if it is not within `most`."""
    began = time.monotonic()
    while (now := time.monotonic() - began) < most:
        state = next((one for one in control.ask("upstreams") if one["name"] == upstream), None)
        # While all workers are being replaced nobody knows it.
        if state is not None and (state["modules"]["up"] and (state["health"] or {"up": True})["up"]) is is_up:
            return now
        time.sleep(LOOK)
    return None


def _ask_on(base: str, targets: Sequence[str], zero: float, asks: list[Ask], stop: Event) -> None:
    """One client, until it is stopped."""
    for target in itertools.cycle(targets):
        if stop.wait(PAUSE):
            return
        asks.append(_ask(base, target, zero))


def _ask(base: str, target: str, zero: float) -> Ask:
    began = time.monotonic()
    try:
        status, cache = _answer(base, target)
    except (OSError, HTTPException):
        status, cache = 0, ""
    return Ask(round(began - zero, 3), round(time.monotonic() - began, 4), status, cache)


def _answer(base: str, target: str) -> tuple[int, str]:
    """Status and X-Cache."""
    parts = urlsplit(base)
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "https":
        made: HTTPConnection = HTTPSConnection(host, port, timeout=PATIENCE, context=_unverified())
    else:
        made = HTTPConnection(host, port, timeout=PATIENCE)
    with closing(made) as connection:
        connection.request("GET", f"{parts.path}/{target}", headers={"Cache-Control": "no-cache"})
        response = connection.getresponse()
        response.read()
        return response.status, response.getheader("X-Cache", "")


def _unverified() -> ssl.SSLContext:
    """Trust whoever answers: it is asked at an address of this machine, which its certificate seldom names."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context

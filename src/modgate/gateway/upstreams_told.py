"""What is told of upstreams: by each serving process as JSON knows it, and for operators as one for all of them.

Belongs here: the form of it. Not here: what is known (upstreams.py), and how it looks on a terminal (cli/).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from modgate.source.recent import summary

if TYPE_CHECKING:
    # A parent of workers has no upstreams: it does without what they are made of.
    from modgate.gateway.upstreams import Known, Upstreams
    from modgate.source.breaker import Circuit

Told = dict[str, Any]


def told(upstreams: Upstreams) -> list[Told]:
    """What this process knows, one document for each upstream."""
    return [_known(known) for known in upstreams.all]


def _known(known: Known) -> Told:
    checkup = known.checkup
    health = {"up": checkup.is_up, "reason": checkup.reason, "changed": checkup.changed} if checkup.is_on else None
    return {
        "name": known.name,
        "drill": known.rehearsal.is_on,
        "modules": _circuit(known.modules),
        "checksums": _circuit(known.checksums),
        "health": health,
        "asks": known.modules.recent.told(),
    }


def _circuit(circuit: Circuit) -> Told:
    return {"up": not circuit.is_open, "reason": circuit.reason, "changed": circuit.changed}


def merged(processes: Iterable[Sequence[Told]]) -> list[Told]:
    """One document for each upstream: it is as well as in the process where it is worst, and changed when one of them
    saw it last."""
    found: dict[str, list[Told]] = {}
    for process in processes:
        for one in process:
            found.setdefault(one["name"], []).append(one)
    return [_together(ones) for ones in found.values()]


def _together(ones: Sequence[Told]) -> Told:
    modules, checksums = (_worst([one[service] for one in ones]) for service in ("modules", "checksums"))
    checks = [one["health"] for one in ones if one["health"] is not None]
    health, drill = (_worst(checks) if checks else None), any(one["drill"] for one in ones)
    shown = summary([ask for one in ones for ask in one["asks"]])
    return {
        "name": ones[0]["name"],
        "state": _state(modules, checksums, health, drill=drill),
        "drill": drill,
        "modules": modules,
        "checksums": checksums,
        "health": health,
        "changed": max(state["changed"] for state in (modules, checksums, health or modules)),
        **{name: value if value is None else round(value, 4) for name, value in asdict(shown).items()},
    }


def _worst(states: Sequence[Told]) -> Told:
    down = [state for state in states if not state["up"]]
    reason = (down or states)[0]["reason"] if down else ""
    return {"up": not down, "reason": reason, "changed": max(state["changed"] for state in states)}


def _state(modules: Told, checksums: Told, health: Told | None, *, drill: bool) -> str:
    if drill:
        return "drill"
    if not modules["up"] or (health is not None and not health["up"]):
        return "down"
    return "up" if checksums["up"] else "no checksums"

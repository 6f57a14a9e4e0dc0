"""How a gateway says that it lives and whether it is ready, in the spellings that probes know.

Belongs here: the answers at `/`, `/health/…`, `/healthz`, `/readyz` and `/version`. Not here: what is checked (the
gateway hands over a function).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from modgate.serve.response import JSON, TEXT, Headers
from modgate.serve.target import Place


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that readiness depends on."""

    name: str
    ok: bool
    reason: str = ""
    """What is wrong, one phrase without secrets; "" if all is well."""


@dataclass(frozen=True, slots=True)
class Page:
    """A small response that is the same for everybody."""

    status: int
    headers: Headers
    body: bytes


class Health:
    """Answers the health endpoints of both ports."""

    def __init__(self, checks: Callable[[], Sequence[Check]], version: str) -> None:
        """`checks` is asked anew for each answer and must not wait for anything."""
        self._checks = checks
        self._version = version

    def page(self, place: Place) -> Page:
        """The answer at one of the places that is neither a module nor a checksum database."""
        if place is Place.LIVE:
            return page(200, TEXT, b"ok\n")
        if place is Place.VERSION:
            return page(200, JSON, _json({"name": "modgate", "version": self._version}))
        checks = self._checks()
        ready = all(check.ok for check in checks)
        if place is Place.READY:
            return page(200 if ready else 503, JSON, _readiness(checks, ready=ready))
        return self._root(checks, ready=ready)

    def _root(self, checks: Sequence[Check], *, ready: bool) -> Page:
        """Load balancers and other proxies look here, for a header each."""
        if ready:
            text = f"modgate {self._version}: a gateway for Go modules, ready\n"
            return page(200, TEXT, text.encode(), (b"x-mirror-status", b"ok"))
        reasons = "; ".join(f"{check.name}: {check.reason}" for check in checks if not check.ok)
        text = f"unavailable: modgate is not ready: {reasons}"[:500] + "\n"
        return page(503, TEXT, text.encode(), (b"x-go-proxy-status", b"unavailable"))


def _readiness(checks: Sequence[Check], *, ready: bool) -> bytes:
    states = {check.name: {"ok": check.ok, "reason": check.reason} for check in checks}
    return _json({"status": "ready" if ready else "unavailable", "checks": states})


def page(status: int, media_type: bytes, body: bytes, *extra: tuple[bytes, bytes]) -> Page:
    headers = [
        (b"content-type", media_type),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *extra,
    ]
    return Page(status, headers, body)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"

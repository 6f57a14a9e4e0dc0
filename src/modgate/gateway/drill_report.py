"""What a drill has shown: figures and a verdict from what was seen, as JSON and as a page for a recovery file. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from modgate.source.recent import quantile


@dataclass(frozen=True, slots=True)
class Ask:
    """One ask through the data port."""

    at: float
    """Seconds since the upstream was kept from answering; below 0 before that."""
    seconds: float
    status: int
    """0: no answer at all."""
    cache: str
    """As X-Cache said."""

    @property
    def is_good(self) -> bool:
        return self.status == 200


@dataclass(frozen=True, slots=True)
class Seen:
    """All that was seen of one drill."""

    gateway: str
    upstream: str
    how: str
    began: str
    """When the upstream was kept from answering, as RFC 3339 says it."""
    seconds: float
    """For how long."""
    modules: tuple[str, ...]
    asks: tuple[Ask, ...]
    left_alone: float | None
    """Seconds until its breaker was open; None if it never was."""
    returned: float | None
    """Seconds from the end of the drill until it was in use again; None if it was not while anybody looked."""


def phases(seen: Seen) -> dict[str, Sequence[Ask]]:
    """The asks before, during and after."""
    return {
        "before": [ask for ask in seen.asks if ask.at < 0],
        "during": [ask for ask in seen.asks if 0 <= ask.at < seen.seconds],
        "after": [ask for ask in seen.asks if ask.at >= seen.seconds],
    }


def report(seen: Seen) -> dict[str, Any]:
    """The document: what was done, figures of each phase, and the verdict."""
    parts = phases(seen)
    during = parts["during"]
    answered_anew = [ask.at + ask.seconds for ask in during if ask.is_good and ask.cache in ("miss", "refreshed")]
    wrong = list(_wrong(seen, parts))
    return {
        "verdict": "failed" if wrong else "passed",
        "reasons": wrong,
        "gateway": seen.gateway,
        "upstream": seen.upstream,
        "how": seen.how,
        "began": seen.began,
        "seconds": seen.seconds,
        "modules": list(seen.modules),
        "switch_seconds": _rounded(min(answered_anew, default=None)),
        "longest_wait_seconds": _rounded(max((ask.seconds for ask in during), default=None)),
        "left_alone_after_seconds": _rounded(seen.left_alone),
        "return_seconds": _rounded(seen.returned),
        "phases": {name: figures(asks) for name, asks in parts.items()},
        "asks": [asdict(ask) for ask in seen.asks],
    }


def figures(asks: Sequence[Ask]) -> dict[str, Any]:
    """Of one phase."""
    times = sorted(ask.seconds for ask in asks)
    return {
        "asks": len(asks),
        "good": sum(ask.is_good for ask in asks),
        "from_upstreams": sum(ask.is_good and ask.cache in ("miss", "refreshed") for ask in asks),
        "from_store": sum(ask.is_good and ask.cache in ("hit", "stale") for ask in asks),
        "p50_seconds": _rounded(quantile(times, 0.5) if times else None),
        "p95_seconds": _rounded(quantile(times, 0.95) if times else None),
    }


def _wrong(seen: Seen, parts: dict[str, Sequence[Ask]]) -> Iterator[str]:
    for name, asks in parts.items():
        bad = [ask for ask in asks if not ask.is_good]
        if bad:
            statuses = ", ".join(sorted({str(ask.status) if ask.status else "no answer" for ask in bad}))
            yield f"{len(bad)} of {len(asks)} asks {name} the drill were not answered ({statuses})"
    during = parts["during"]
    if not during:
        yield "nothing was asked during the drill"
    elif not any(ask.cache in ("miss", "refreshed") for ask in during if ask.is_good):
        yield "nothing new came from anywhere: no other upstream took over"
    if seen.returned is None:
        yield "the upstream was not seen to be in use again"


def markdown(document: dict[str, Any]) -> str:
    """The document as a page."""
    rows = [
        ("gateway", document["gateway"]),
        ("upstream that failed", document["upstream"]),
        ("how", {"refuse": "connections refused", "hang": "requests never answered"}[document["how"]]),
        ("began", document["began"]),
        ("lasted", f"{document['seconds']:g} s"),
        ("modules", ", ".join(document["modules"])),
        ("first answer from elsewhere", _seconds(document["switch_seconds"])),
        ("longest wait of a client", _seconds(document["longest_wait_seconds"])),
        ("upstream left alone after", _seconds(document["left_alone_after_seconds"])),
        ("in use again after its return", _seconds(document["return_seconds"])),
    ]
    lines = [f"# Failover drill: {document['verdict']}", ""]
    lines += [f"- {reason}" for reason in document["reasons"]] + ([""] if document["reasons"] else [])
    lines += ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows), ""]
    lines += [
        "| phase | asks | answered | from upstreams | from the store | p50 | p95 |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in document["phases"].items():
        times = f"{_seconds(one['p50_seconds'])} | {_seconds(one['p95_seconds'])}"
        lines.append(
            f"| {name} | {one['asks']} | {one['good']} | {one['from_upstreams']} | {one['from_store']} | {times} |"
        )
    return "\n".join([*lines, ""])


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:g} s"

"""How the last asks of an upstream went: what `modgate upstreams` shows. Metrics count for ever, this forgets."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

KEPT = 512
"""Asks: enough for a p95, and the latest minute of a busy gateway."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Some asks together."""

    asks: int
    p50: float | None
    """Seconds; None without an ask."""
    p95: float | None
    share: float | None
    """Of asks that were answered, from 0 to 1."""


class Recent:
    """The last asks of one upstream."""

    def __init__(self) -> None:
        self._asks: deque[tuple[float, bool]] = deque(maxlen=KEPT)

    def add(self, seconds: float, *, answered: bool) -> None:
        self._asks.append((seconds, answered))

    def told(self) -> list[list[float]]:
        """As [milliseconds, 1 or 0], for other processes."""
        return [[round(seconds * 1000, 1), int(answered)] for seconds, answered in self._asks]


def summary(told: Sequence[Sequence[float]]) -> Summary:
    """What several processes told, together."""
    times = sorted(one[0] / 1000 for one in told)
    if not times:
        return Summary(0, None, None, None)
    answered = sum(one[1] for one in told)
    return Summary(len(times), quantile(times, 0.5), quantile(times, 0.95), answered / len(times))


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which this share of them lies: the nearest one, of values in their order."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

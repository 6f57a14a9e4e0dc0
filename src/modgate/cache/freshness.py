"""How long an answer may be used: ages as a pure function of time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from modgate.source.base import Freshness, Kind

REFRESH_AT_MOST = 1.0
"""Seconds: a client that says no-cache causes at most one upstream request per key and second."""


@dataclass(frozen=True, slots=True)
class Ages:
    """Of one route, in seconds. The defaults are for public modules."""

    fresh: float = 60.0
    """Answered from the cache: what the public mirror tells its clients."""
    stale: float = 3 * 3600.0
    """Answered at once and refreshed in the background: the public mirror's own bound for a list."""
    keep: float = 30 * 86400.0
    """Answered only when the upstream cannot be asked."""
    absent_version: float = 10.0
    """Absence of a version, or of what a query names: a new tag is seen within this time."""
    absent_path: float = 600.0
    """Absence of a whole module: most paths that a go command asks for are none (protocol.md §1.4)."""
    absent_latest: float = 10.0
    """Absence of any version at all."""

    def absent(self, kind: Kind) -> float:
        return {Kind.LIST: self.absent_path, Kind.LATEST: self.absent_latest}.get(kind, self.absent_version)


class Verdict(Enum):
    """What to do with a stored answer."""

    FRESH = "answer with it"
    STALE = "answer with it, and ask in the background"
    OLD = "ask first; answer with it if that fails"
    GONE = "ask; it is of no use any more"


def judge(age: float, ages: Ages, freshness: Freshness, *, expired: bool = False) -> Verdict:
    """What to do with an answer that is `age` seconds old.

    `expired` says that something was seen which it should tell and does not. A negative age (the clock was set back)
    counts as fresh only within the fresh age, so that a clock that was once wrong by years heals.
    """
    if freshness is Freshness.CACHED_ONLY:
        return Verdict.FRESH
    if age > ages.keep or age < -ages.keep:
        return Verdict.GONE
    if freshness is Freshness.REFRESH:
        return Verdict.FRESH if 0 <= age < REFRESH_AT_MOST else Verdict.OLD
    if expired or age < -ages.fresh:
        return Verdict.OLD
    if age < ages.fresh:
        return Verdict.FRESH
    return Verdict.STALE if age < ages.stale else Verdict.OLD

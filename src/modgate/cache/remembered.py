"""How remembered absence and corruption are told again."""

from __future__ import annotations

from modgate.cache.absence import Absences
from modgate.cache.freshness import REFRESH_AT_MOST
from modgate.errors import Absent, Corrupt, Mismatch
from modgate.source.base import Cached, Freshness, Terms


def raise_remembered(absences: Absences, name: str, label: str, terms: Terms, stamp: tuple[int, int]) -> None:
    """Raise what is remembered against `name`; with nothing remembered, CACHED_ONLY ends here too.

    Raises:
        Absent: it does not exist, or only the cache was asked for.
        Corrupt: it was found corrupt within the last minute.
    """
    known = absences.get(name, stamp)
    if known is not None and (terms.freshness is not Freshness.REFRESH or known[2] < REFRESH_AT_MOST):
        error, until, _ = known
        if isinstance(error, Absent):
            raise Absent(
                asked=label,
                source=error.source,
                reason=error.reason,
                words=error.words,
                fresh_until=until,
                stamp=stamp,
                cached=Cached.HIT,
            )
        if isinstance(error, Mismatch):
            raise Mismatch(
                asked=label, source=error.source, reason=error.reason, now=error.now, recorded=error.recorded
            )
        raise Corrupt(asked=label, source=error.source, reason=error.reason)
    if terms.freshness is Freshness.CACHED_ONLY:
        raise Absent(asked=label, reason="is not in the cache, and only the cache was asked for")

"""What is remembered of absence and of corruption: short, in memory, bounded."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from modgate.errors import Absent, Corrupt, GatewayError, Mismatch

MOST = 20_000
"""Entries: 10 MB. A go command that looks for one import asks for three or four paths that are no modules."""
VERDICT_SECONDS = 60.0
"""How long a verdict of corruption is told without a new download."""


@dataclass(frozen=True, slots=True)
class _Known:
    until: float
    since: float
    error: GatewayError
    stamp: tuple[int, int]


class Absences:
    """The verdicts of one process, by name."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds since the epoch."""
        self._clock = clock
        self._until: OrderedDict[str, _Known] = OrderedDict()

    def put(self, name: str, error: Absent | Corrupt, seconds: float, stamp: tuple[int, int]) -> None:
        """Remember `error` for `seconds`; 0 remembers nothing.

        `stamp` was read before anybody was asked: absence is void when the slot has moved on, whichever process saw
        that something of the module exists after all.
        """
        if seconds <= 0:
            return
        now = self._clock()
        self._until[name] = _Known(now + seconds, now, _plain(error), stamp)
        self._until.move_to_end(name)
        if len(self._until) > MOST:
            self._until.popitem(last=False)

    def get(self, name: str, stamp: tuple[int, int]) -> tuple[GatewayError, float, float] | None:
        """(error, seconds since the epoch until which it holds, its age in seconds), if it holds under `stamp`."""
        found = self._until.get(name)
        if found is None:
            return None
        now = self._clock()
        is_void = isinstance(found.error, Absent) and found.stamp != stamp
        if is_void or not found.since <= now < found.until:
            del self._until[name]
            return None
        return found.error, found.until, now - found.since

    def forget(self, name: str) -> bool:
        """It exists after all; returns whether something else was remembered."""
        return self._until.pop(name, None) is not None


def _plain(error: Absent | Corrupt) -> GatewayError:
    """The same without its traceback, which would keep every frame that it passed through, and all that they hold."""
    if isinstance(error, Absent):
        return Absent(asked=error.asked, source=error.source, reason=error.reason, words=error.words)
    if isinstance(error, Mismatch):
        told = error.reason
        return Mismatch(asked=error.asked, source=error.source, reason=told, now=error.now, recorded=error.recorded)
    return Corrupt(asked=error.asked, source=error.source, reason=error.reason)

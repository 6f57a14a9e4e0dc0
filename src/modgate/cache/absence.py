"""What is remembered of absence and of corruption: short, in memory, bounded."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from modgate.errors import Absent, Corrupt, GatewayError

MOST = 20_000
"""Entries: 10 MB. A go command that looks for one import asks for three or four paths that are no modules."""
VERDICT_SECONDS = 60.0
"""How long a verdict of corruption is told without a new download."""


class Absences:
    """The verdicts of one process, by name."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds since the epoch."""
        self._clock = clock
        self._until: OrderedDict[str, tuple[float, float, GatewayError]] = OrderedDict()

    def put(self, name: str, error: Absent | Corrupt, seconds: float) -> None:
        """Remember `error` for `seconds`; 0 remembers nothing."""
        if seconds <= 0:
            return
        now = self._clock()
        self._until[name] = (now + seconds, now, _plain(error))
        self._until.move_to_end(name)
        if len(self._until) > MOST:
            self._until.popitem(last=False)

    def get(self, name: str) -> tuple[GatewayError, float, float] | None:
        """(error, seconds since the epoch until which it holds, its age in seconds), if it still holds."""
        found = self._until.get(name)
        if found is None:
            return None
        until, since, error = found
        now = self._clock()
        if not since <= now < until:
            del self._until[name]
            return None
        return error, until, now - since

    def forget(self, name: str) -> bool:
        """It exists after all; returns whether something else was remembered."""
        return self._until.pop(name, None) is not None


def _plain(error: Absent | Corrupt) -> GatewayError:
    """The same without its traceback, which would keep every frame that it passed through, and all that they hold."""
    if isinstance(error, Absent):
        return Absent(asked=error.asked, source=error.source, reason=error.reason, words=error.words)
    return Corrupt(asked=error.asked, source=error.source, reason=error.reason)

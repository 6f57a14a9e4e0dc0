"""The time as responses and log lines need it: read once for a batch, spelled once a second."""

from __future__ import annotations

import time
from collections.abc import Callable

from modgate.serve.conditional import http_date


class Clock:
    """A monotonic clock, and what the wall clock says beside it.

    The hot path reads the monotonic clock only; the wall clock is that plus `offset`, which `tick` corrects.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self.monotonic = monotonic
        self._wall = wall
        self.offset = 0.0
        """Seconds to add to a monotonic time for seconds since the epoch."""
        self.date = b""
        """The header line `date: …` with its end."""
        self.tick()

    def tick(self) -> None:
        """To be called about every second."""
        now = self._wall()
        self.offset = now - self.monotonic()
        self.date = b"date: %b\r\n" % http_date(int(now))

    def until(self, when: float) -> float:
        """The monotonic time at which it is `when`, in seconds since the epoch, if the wall clock goes on as it does.

        What is kept until then must not live a day longer because somebody sets that clock back by a day.
        """
        return self.monotonic() + (when - self._wall())

"""When a connection has had its time, as pure decisions over what one sweep sees.

Belongs here: the comparison of times. Not here: the clock, what is done about it (protocol.py), who sweeps
(listener.py). No timer is armed per request: one sweep a second looks at every connection, so that a limit is kept to
the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Verdict(Enum):
    """What is due."""

    NOTHING = auto()
    TOO_SLOW = auto()
    """A request has begun and does not end."""
    IDLE = auto()
    """No request for long."""


@dataclass(slots=True)
class Progress:
    """Whether bytes leave for a client."""

    passed: int | None = None
    """What had left the transport at the last change; only its changes mean something. None before the first look."""
    moved_at: float = 0.0
    """When it last changed, in monotonic seconds."""

    def is_stalled(self, now: float, written: int, buffered: int, patience: float) -> bool:
        """Whether none of the `buffered` bytes has left for `patience` seconds."""
        if not buffered or written - buffered != self.passed:
            self.passed = written - buffered
            self.moved_at = now
            return False
        return now - self.moved_at > patience


def verdict(*, silence: float, began: float, busy: bool, idle_seconds: float, request_seconds: float) -> Verdict:
    """What is due on a connection whose client takes its bytes.

    `silence` is the time since the last response, in seconds; `began` the time since the first byte of a request that
    is not complete, or 0.0; `busy` says that a response is being made or that received bytes wait for their turn.
    """
    if began > request_seconds:
        return Verdict.TOO_SLOW
    if not busy and not began and silence > idle_seconds:
        return Verdict.IDLE
    return Verdict.NOTHING

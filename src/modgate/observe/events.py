"""Events: what an operator should know of even if nobody was harmed. docs/reference/events.md lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from modgate.observe.families import EVENTS
from modgate.observe.metrics import Metrics

Log = Callable[..., object]
"""`log(event, **fields)`, as structlog's `warning`."""

NAMES = frozenset(
    {
        "corrupt_answer",  # an upstream sent something that is not what it claims to be
        "different_content",  # an upstream sent other content for a version than it was first seen with
        "checksum_mismatch",  # an artifact is not what the checksum database has recorded
        "checksum_unavailable",  # nothing can be verified
        "checksum_available",  # and can again
        "checksum_fork",  # a checksum database has signed two histories
        "unproven_file",  # a kept file of a checksum database was proven wrong
        "pin_replaced",  # what was first seen is not what the checksum database has recorded
        "damaged_file",  # a file of the store is not what was committed
        "tile_beyond_log",  # somebody has seen a larger log of our own checksum database than there is
        "witness_unavailable",  # nothing new is published in it: who keeps its highest head cannot be reached
        "witness_available",  # and can again
        "upstream_refused_us",  # our own credentials were refused
        "upstream_down",  # a breaker opened
        "upstream_up",  # and closed again
        "upstream_unhealthy",  # a health check fails
        "upstream_healthy",  # and passes again
        "fallback_used",  # the directory of GOMODCACHE_FALLBACK is in use
        "fallback_over",  # and is not any more
        "drill_begun",  # an upstream is kept from answering, on purpose
        "drill_over",  # and is not any more
        "store_failing",  # the store cannot be written
        "store_working",  # and can again
        "retagged",  # a tag that was served before names another commit now
        "worker_died",  # a serving process ended by itself; another one takes its place
    }
)

ENDS = {"upstream_up": "upstream_down", "upstream_healthy": "upstream_unhealthy", "fallback_over": "fallback_used"}
"""The state of an upstream: what tells that it is over, and what told that it began."""
STATES = frozenset({*ENDS, *ENDS.values()})

Elsewhere = Callable[[str, Mapping[str, str | int | float]], None]
"""`elsewhere(event, fields)`."""


class Events:
    """Counts events and writes them to the application log."""

    def __init__(self, metrics: Metrics, log: Log, elsewhere: Elsewhere | None = None) -> None:
        """`elsewhere` is told of STATES in our place: one of several processes that see them tells them once."""
        self._metrics = metrics
        self._log = log
        self._elsewhere = elsewhere

    def emit(self, name: str, **fields: str | int | float) -> None:
        """`fields` are plain data and never hold credentials.

        Raises:
            ValueError: an event that is not declared, and so not documented.
        """
        if name not in NAMES:
            raise ValueError(f"undeclared event {name}")
        if self._elsewhere is not None and name in STATES:
            self._elsewhere(name, fields)
            return
        self._metrics.counter(EVENTS, name).add()
        self._log(name, **fields)

"""One request on the ordinary path: what is known when it begins, and what came of it.

Belongs here: the two records, and how they are counted and logged. Not here: the fast path, whose entries carry their
counters and their log line with them (table.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from modgate.observe.access_log import AccessLog, fragment
from modgate.observe.families import MALFORMED, REQUEST_SECONDS, REQUESTS, SENT_BYTES, SHED
from modgate.observe.metrics import Metrics
from modgate.serve.clock import Clock
from modgate.serve.head import Fields
from modgate.serve.table import ANYBODY, Principal, Tally
from modgate.source.base import Cached

CLIENT_CLOSED = 499
"""The status of a client that went away before it got one: nginx's, known to every log reader."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Exchange:
    """What is known of a request before anybody looks at its target."""

    request_id: str
    method: str
    target: bytes
    """As it came."""
    client_ip: str
    began: float
    """Monotonic seconds of its first byte."""
    headers: Fields = ()
    """With lower-case names, as they came."""
    principal: Principal = ANYBODY
    plain: bool = False
    """Nothing in it forbids to answer the next one like it from memory."""
    direct: Callable[[], bool] = _never
    """Whether a file can go to this client without passing through this process."""


@dataclass(slots=True)
class Outcome:
    """What came of it; filled in on the way."""

    kind: str = "other"
    module_path: str = ""
    version: str = ""
    status: int = 0
    """0: no status line went out."""
    cache: str = "none"
    source: str = ""
    bytes_sent: int = 0
    """Of the body."""

    def told(self, cached: Cached, source: str) -> None:
        """A source has answered; for a hit nobody was asked, wherever it once came from."""
        self.cache = cached
        self.source = "" if cached is Cached.HIT else source


class Reporter:
    """Counts and logs exchanges."""

    def __init__(self, metrics: Metrics, log: AccessLog, clock: Clock) -> None:
        self.log = log
        self.clock = clock
        self._metrics = metrics
        self._tallies: dict[tuple[str, int, str], Tally] = {}
        self._malformed = metrics.counter(MALFORMED)
        self.shed = metrics.counter(SHED)
        """Connections that went because there were too many."""

    def tally(self, kind: str, status: int, cache: str) -> Tally:
        """The counters of one kind of response; there are a few dozen kinds."""
        tally = self._tallies.get((kind, status, cache))
        if tally is None:
            tally = self._tallies[kind, status, cache] = Tally(
                self._metrics.counter(REQUESTS, kind, str(status), cache),
                self._metrics.counter(SENT_BYTES, kind),
                self._metrics.histogram(REQUEST_SECONDS, kind),
            )
        return tally

    def finish(self, exchange: Exchange, outcome: Outcome) -> None:
        """The exchange is over: with a whole response, a cut one, or none."""
        now = self.clock.monotonic()
        seconds = now - exchange.began
        status = outcome.status or CLIENT_CLOSED
        tally = self.tally(outcome.kind, status, outcome.cache)
        tally.requests.value += 1
        tally.sent.value += outcome.bytes_sent
        tally.seconds.observe(seconds)
        if self.log.enabled:
            line = log_fragment(exchange, outcome, status)
            self.log.add(now + self.clock.offset, exchange.request_id, line, seconds, exchange.client_ip)

    def malformed(self, exchange: Exchange, status: int, sent: int) -> None:
        """The parser ended the connection over what should have been a request."""
        self._malformed.value += 1
        self.finish(exchange, Outcome(status=status, bytes_sent=sent))


def log_fragment(exchange: Exchange, outcome: Outcome, status: int) -> str:
    """The part of the log line that does not change from one such request to the next."""
    return fragment(
        method=exchange.method,
        target=exchange.target.decode("latin-1"),
        module_path=outcome.module_path,
        version=outcome.version,
        kind=outcome.kind,
        status_code=status,
        bytes_sent=outcome.bytes_sent,
        cache=outcome.cache,
        upstream_name=outcome.source,
    )

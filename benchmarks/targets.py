"""What modgate has to reach. A target that is not met is shown, and fails nothing."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.results import Metric, Results

MODGATE = "modgate"
"""With an access log in a file."""
NO_LOG = "modgate, no log"
NGINX = "nginx"
NGINX_LOG = "nginx, JSON log"
NGINX_TUNED = "nginx, tuned"
STRAIGHT = "go straight"
UPSTREAM = "upstream itself"

INFO = "hot .info"
HOT_METADATA = (INFO, "hot .mod", "hot list", "hot @latest")
MISSING = "missing path, 404"
SMALL_ZIP, LARGE_ZIP = "zip of 200 KB", "zip of 36 MB"
ANONYMOUS, AUTHORISED = "hot .info, anonymous", "hot .info, authorised"
RATE = "hot .info at 5,000/s"
BESIDE = "hot .info while eight zips of 36 MB go out"
STORED = "start to first hit"
UNSTORED = "start to first miss"
IDLE = "memory after start and one hit"
AFTER_MISS = "memory after start and one miss"
FURTHER = "memory of each further worker"
SLOW = "memory for 200 slow downloads of 100 MB"
MANY = "memory for many mixed requests"
GRAPH = "cold module graph"
GRAPH_VERIFIED = "cold module graph, verified"
COLD, WARM = "cold download", "stored download"
HERD = "herd of 100 on a cold zip of 25 MB"
HERD_WALL = "herd, against one client or a stored zip"
FIRST = "cold zip of 36 MB, upstream 20 MB/s"
OUTAGES = ("upstream says 503", "upstream hangs")
UNCACHED, RECOVERY = "{}, not stored", "{}, first 200 after it"
CHECKING = "hot .info while ten zips are checked"
VERIFYING = "hot .info while ten zips of 100 MB are verified"
QUIET = "hot .info while nothing is"
REPOSITORY = "50 of a repository's 300 versions"
CLONING = "a clone each"
GROWTH_START = "start to first hit, {} versions"
GROWTH_MISS = "start to first miss, {} versions"
MOST_VERSIONS = "1,000,000"
HIT = "one hot request, log line included"
BYTECODES, INSTRUCTIONS = 375, 25_400
"""The budget of a hot request on Python 3.11: what it took when this was written."""
MORE = 1.15
"""How many times its budget it may take before somebody has to look at it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A bound for one number of one server."""

    scenario: str
    server: str
    metric: Metric
    at_least: float | None = None
    at_most: float | None = None
    base: str = ""
    """The server whose number is 1.0; "": the bound is in the metric's own unit."""
    of: str = ""
    """The scenario of the base's number; "": the same."""

    @property
    def text(self) -> str:
        """The bound in words."""
        sign, bound = ("≥", self.at_least) if self.at_least is not None else ("≤", self.at_most)
        base = ", ".join(filter(None, [self.base if self.base != self.server else "", self.of]))
        return f"{sign} {bound:{',' if bound and bound >= 1000 else 'g'}}{f' of {base}' if base else ''}"

    def reached(self, results: Results) -> float | None:
        """The number that counts; None where nothing was measured."""
        if self.base:
            return results.ratio(self.scenario, self.server, self.metric, self.base, self.of)
        return results.median(self.scenario, self.server, self.metric)

    def is_met(self, results: Results) -> bool | None:
        """None where nothing was measured."""
        value = self.reached(results)
        if value is None:
            return None
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


def _hot() -> tuple[Target, ...]:
    metadata = [
        target
        for scenario in HOT_METADATA
        for target in (
            Target(scenario, MODGATE, Metric.RATE, at_least=1.0, base=NGINX_LOG),
            Target(scenario, MODGATE, Metric.RATE, at_least=0.85, base=NGINX),
            Target(scenario, MODGATE, Metric.CPU_REQUEST, at_most=1.0, base=NGINX_LOG),
        )
    ]
    return (
        *metadata,
        Target(RATE, MODGATE, Metric.P99, at_most=1.5, base=NGINX_LOG),
        Target(BESIDE, MODGATE, Metric.P99, at_most=1.5, base=NGINX_LOG),
        Target(AUTHORISED, MODGATE, Metric.RATE, at_least=0.9, base=MODGATE, of=ANONYMOUS),
        Target(MISSING, MODGATE, Metric.RATE, at_least=0.8, base=MODGATE, of=INFO),
        Target(SMALL_ZIP, MODGATE, Metric.RATE, at_least=1.0, base=NGINX),
        Target(LARGE_ZIP, MODGATE, Metric.MEGABYTES, at_least=0.9, base=NGINX),
        Target(LARGE_ZIP, MODGATE, Metric.CPU_GIGABYTE, at_most=1.2, base=NGINX),
    )


def _cold() -> tuple[Target, ...]:
    return (
        Target(GRAPH, MODGATE, Metric.SECONDS, at_most=1.0, base=STRAIGHT),
        Target(GRAPH, MODGATE, Metric.ZIPS, at_most=0.0),
        Target(GRAPH, MODGATE, Metric.BYTES_RATIO, at_most=1.1),
        Target(GRAPH_VERIFIED, MODGATE, Metric.SECONDS, at_most=1.15, base=MODGATE, of=GRAPH),
        Target(GRAPH_VERIFIED, MODGATE, Metric.ZIPS, at_most=0.0),
        Target(COLD, MODGATE, Metric.SECONDS, at_most=1.15, base=STRAIGHT),
        Target(WARM, MODGATE, Metric.SECONDS, at_most=0.55, base=STRAIGHT, of=COLD),
        Target(HERD, MODGATE, Metric.REQUESTS, at_most=1.0),
        Target(HERD, MODGATE, Metric.FIRST_BYTE, at_most=0.2),
        Target(HERD_WALL, MODGATE, Metric.TIMES, at_most=1.2),
        Target(REPOSITORY, MODGATE, Metric.CLONES, at_most=1.05),
        Target(REPOSITORY, MODGATE, Metric.SECONDS, at_most=1.0, base=CLONING),
        Target(FIRST, MODGATE, Metric.FIRST_BYTE, at_most=2.0, base=UPSTREAM),
        Target(FIRST, MODGATE, Metric.SECONDS, at_most=1.10, base=UPSTREAM),
    )


def _bad_days() -> tuple[Target, ...]:
    return tuple(
        target
        for scenario in OUTAGES
        for target in (
            Target(scenario, MODGATE, Metric.SHARE, at_least=100.0),
            Target(scenario, MODGATE, Metric.P99, at_most=50.0),
            Target(UNCACHED.format(scenario), MODGATE, Metric.SHARE, at_least=100.0),
            Target(RECOVERY.format(scenario), MODGATE, Metric.SECONDS, at_most=1.0),
        )
    )


def _process() -> tuple[Target, ...]:
    return (
        Target(STORED, MODGATE, Metric.SECONDS, at_most=0.6),
        Target(UNSTORED, MODGATE, Metric.SECONDS, at_most=1.5),
        Target(GROWTH_START.format(MOST_VERSIONS), MODGATE, Metric.SECONDS, at_most=0.6),
        Target(GROWTH_MISS.format(MOST_VERSIONS), MODGATE, Metric.SECONDS, at_most=1.5),
        Target(IDLE, MODGATE, Metric.PSS, at_most=60.0),
        Target(AFTER_MISS, MODGATE, Metric.PSS, at_most=60.0),
        Target(FURTHER, MODGATE, Metric.PSS, at_most=35.0),
        Target(SLOW, MODGATE, Metric.PSS, at_most=60.0),
        Target(MANY, MODGATE, Metric.PSS, at_most=2.0),
        Target(HIT, MODGATE, Metric.BYTECODES, at_most=round(BYTECODES * MORE)),
        Target(HIT, MODGATE, Metric.INSTRUCTIONS, at_most=round(INSTRUCTIONS * MORE)),
        Target(CHECKING, MODGATE, Metric.P99, at_most=2.0, base=MODGATE, of=QUIET),
        Target(VERIFYING, MODGATE, Metric.P99, at_most=2.0, base=MODGATE, of=QUIET),
    )


TARGETS: tuple[Target, ...] = (*_hot(), *_cold(), *_bad_days(), *_process())


def targets_of(scenario: str, server: str, *metrics: Metric) -> list[Target]:
    """The targets of some numbers of a row of the table."""
    return [one for one in TARGETS if (one.scenario, one.server) == (scenario, server) and one.metric in metrics]

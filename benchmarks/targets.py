"""What modgate has to reach. A target that is not met is shown, and fails nothing."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.results import Metric, Results

MODGATE = "modgate"
LOGGING = "modgate, log to file"
NGINX = "nginx"
NGINX_TUNED = "nginx, tuned"
STRAIGHT = "go straight"

HOT_METADATA = ("hot .info", "hot .mod", "hot list", "hot @latest")
STORED = "start to first hit"
UNSTORED = "start to first miss"
IDLE = "memory after start and one hit"
GRAPH = "cold module graph"


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

    @property
    def text(self) -> str:
        """The bound in words."""
        sign, bound = ("≥", self.at_least) if self.at_least is not None else ("≤", self.at_most)
        return f"{sign} {bound:g}{f' of {self.base}' if self.base else ''}"

    def reached(self, results: Results) -> float | None:
        """The number that counts; None where nothing was measured."""
        if self.base:
            return results.ratio(self.scenario, self.server, self.metric, self.base)
        return results.median(self.scenario, self.server, self.metric)

    def is_met(self, results: Results) -> bool | None:
        """None where nothing was measured."""
        value = self.reached(results)
        if value is None:
            return None
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


TARGETS: tuple[Target, ...] = (
    *(
        Target(scenario, server, Metric.RATE, at_least=0.8, base=NGINX)
        for scenario in HOT_METADATA
        for server in (MODGATE, LOGGING)
    ),
    Target(STORED, MODGATE, Metric.SECONDS, at_most=1.0),
    Target(IDLE, MODGATE, Metric.RSS, at_most=70.0),
    Target(GRAPH, MODGATE, Metric.BYTES_RATIO, at_most=1.05),
    Target(GRAPH, MODGATE, Metric.ZIPS, at_most=0.0),
)


def target_of(scenario: str, server: str, metric: Metric) -> Target | None:
    """The target of a row of the table, if it has one."""
    asked = (scenario, server, metric)
    return next((one for one in TARGETS if (one.scenario, one.server, one.metric) == asked), None)

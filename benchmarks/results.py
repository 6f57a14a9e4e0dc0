"""What came out: one number for each round, by scenario, server and metric.

Belongs here: keeping the numbers, and what is worked out of them. Not here: what they should be (targets.py), how they
are shown (table.py).

Rounds are interleaved: in each one every server has its turn, so that the n-th numbers of two servers were measured
within seconds of each other. A ratio is therefore the median of the rounds' ratios, which a machine that becomes slower
halfway does not move.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from statistics import median


class Metric(StrEnum):
    """What is measured, and its unit."""

    RATE = "requests/s"
    MEGABYTES = "MB/s"
    P50 = "p50 ms"
    P95 = "p95 ms"
    P99 = "p99 ms"
    CPU_REQUEST = "CPU µs/request"
    CPU_GIGABYTE = "CPU ms/GB"
    SECONDS = "s"
    FIRST_BYTE = "s to first byte"
    TIMES = "times"
    """A duration as a multiple of another one of the same round; the scenario says of which."""
    SHARE = "% answered as asked"
    PSS = "PSS MB"
    REQUESTS = "requests"
    ZIPS = "zips"
    BYTES_RATIO = "of the bytes asked for"
    CLONES = "clones"
    """Bytes from a git host, as a multiple of what it sends for one clone."""
    BYTECODES = "bytecodes and C calls"
    INSTRUCTIONS = "instructions"


class Results:
    """All numbers of a run, in the order in which they came."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str, Metric], list[float]] = {}

    def add(self, scenario: str, server: str, metric: Metric, value: float) -> None:
        """Add the number of one round."""
        self._values.setdefault((scenario, server, metric), []).append(value)

    def __iter__(self) -> Iterator[tuple[str, str, Metric]]:
        """What there are numbers of: scenario after scenario, each in the order of its first numbers."""
        scenarios = list(dict.fromkeys(scenario for scenario, _, _ in self._values))
        return iter(sorted(self._values, key=lambda key: scenarios.index(key[0])))

    def base(self, scenario: str, metric: Metric) -> str:
        """The server that was measured first: what the others of this scenario are compared with."""
        return next(server for one, server, its in self._values if (one, its) == (scenario, metric))

    def values(self, scenario: str, server: str, metric: Metric) -> list[float]:
        """One number for each round; empty where nothing was measured."""
        return list(self._values.get((scenario, server, metric), ()))

    def median(self, scenario: str, server: str, metric: Metric) -> float | None:
        """The median of the rounds; None where nothing was measured."""
        values = self.values(scenario, server, metric)
        return median(values) if values else None

    def spread(self, scenario: str, server: str, metric: Metric) -> float | None:
        """The distance of the largest from the smallest number, as a share of the median."""
        values = self.values(scenario, server, metric)
        middle = median(values) if values else 0.0
        return (max(values) - min(values)) / middle if middle else None

    def ratio(self, scenario: str, server: str, metric: Metric, base: str, of: str = "") -> float | None:
        """How many times `base`'s number the server's is: the median over the rounds.

        `of` is the scenario of the base's number, if it is another one.
        """
        pairs = zip(self.values(scenario, server, metric), self.values(of or scenario, base, metric), strict=False)
        ratios = [mine / its for mine, its in pairs if its]
        return median(ratios) if ratios else None

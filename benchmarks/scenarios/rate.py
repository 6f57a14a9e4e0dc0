"""Hot answers to clients that come at times of their own, 5,000 a second: what somebody waits who only asks once.

An open loop at a rate that all servers bear easily. The median is the way there and back; the slowest hundredth shows
what the server does besides answering.
"""

from __future__ import annotations

from benchmarks.load import oha, steady
from benchmarks.results import Metric, Results
from benchmarks.scenarios.hot import INFO_TARGET
from benchmarks.stage import Stage, Started
from benchmarks.targets import NGINX_TUNED, RATE

PER_SECOND = 5000
SECONDS = 2
"""10,000 requests each time: the slowest hundredth are 100."""
BY_OHA = f"{RATE}, by oha"


def run(stage: Stage, results: Results) -> None:
    """Everybody in turn; in the full run by oha too if it is there."""
    other = oha.program() if stage.options.full else None
    with stage.all_running([one for one in stage.servers if one.name != NGINX_TUNED]) as all_started:
        for number in range(stage.options.rounds):
            turn = number % len(all_started)
            for started in [*all_started[turn:], *all_started[:turn]]:
                _ours(started, results)
                if other is not None:
                    _theirs(other, started, results)
                started.server.tidy()


def _ours(started: Started, results: Results) -> None:
    steady.run(started.port, [INFO_TARGET], rate=PER_SECOND, seconds=0.2)
    before = started.process.cpu_seconds()
    out = steady.run(started.port, [INFO_TARGET], rate=PER_SECOND, seconds=SECONDS)
    cpu = started.process.cpu_seconds() - before
    name = started.server.name
    results.add(RATE, name, Metric.RATE, out.rate)
    results.add(RATE, name, Metric.CPU_REQUEST, cpu * 1e6 / len(out.milliseconds))
    for metric, share in ((Metric.P50, 0.5), (Metric.P95, 0.95), (Metric.P99, 0.99)):
        results.add(RATE, name, metric, out.percentile(share))


def _theirs(program: str, started: Started, results: Results) -> None:
    figures = oha.run(
        program, started.url + INFO_TARGET, rate=PER_SECOND, seconds=SECONDS, connections=steady.CONNECTIONS
    )
    name = started.server.name
    results.add(BY_OHA, name, Metric.RATE, figures.rate)
    for metric, value in ((Metric.P50, figures.p50), (Metric.P95, figures.p95), (Metric.P99, figures.p99)):
        results.add(BY_OHA, name, metric, value)

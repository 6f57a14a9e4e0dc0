"""Hot answers while large zips are checked: whether one team's new dependency is felt by all others.

The h1 of a large zip is worked out from every file in it, which costs a second of CPU time. It is done beside the
serving process, and this shows whether it stays there.
"""

from __future__ import annotations

import multiprocessing
import os

from benchmarks.asking import warm_up
from benchmarks.load import crowd, steady
from benchmarks.load.steady import Latencies
from benchmarks.project import CHECKED, CHECKED_VERSIONS
from benchmarks.results import Metric, Results
from benchmarks.scenarios.hot import INFO_TARGET
from benchmarks.stage import Stage
from benchmarks.targets import CHECKING, QUIET
from benchmarks.upstream import Behaviour

RATE, SECONDS = 1000, 4.0
"""Requests a second, and how long: ten zips are checked for longer than that."""
ROUNDS = 2
BANDWIDTH = 8_000_000
"""Bytes a second of each download, so that upstream and clients leave the core to our loop, which they share with it.
The last bytes come when some two seconds are over."""


def run(stage: Stage, results: Results) -> None:
    """The same load twice in each round: with nothing beside it, and with ten downloads of cold zips."""
    targets = [f"/{CHECKED}/@v/{version}.zip" for version in CHECKED_VERSIONS]
    for number in range(min(ROUNDS, stage.options.rounds)):
        for server in stage.newcomers(stage.home / f"checking{number}"):
            with stage.awake(server) as started:
                warm_up(started.port, INFO_TARGET)
                quiet = steady.run(started.port, [INFO_TARGET], rate=RATE, seconds=SECONDS)
                stage.upstream.behave(Behaviour(stage.options.latency, BANDWIDTH))
                # Beside us, because our own loop must not wait for bytes of zips.
                beside = multiprocessing.get_context("fork").Process(target=_download, args=(started.port, targets))
                beside.start()
                busy = steady.run(started.port, [INFO_TARGET], rate=RATE, seconds=SECONDS)
                beside.terminate()
                beside.join()
                stage.upstream.behave(Behaviour(stage.options.latency))
            _add(results, QUIET, server.name, quiet)
            _add(results, CHECKING, server.name, busy)


def _download(port: int, targets: list[str]) -> None:
    os.nice(19)
    crowd.download(port, *targets)


def _add(results: Results, scenario: str, name: str, out: Latencies) -> None:
    results.add(scenario, name, Metric.RATE, out.rate)
    for metric, share in ((Metric.P50, 0.5), (Metric.P95, 0.95), (Metric.P99, 0.99)):
        results.add(scenario, name, metric, out.percentile(share))

"""Hot answers while eight large zips go out: whether small things wait behind large ones that are stored already.

An open loop of 1,000 a second. The load generator of the zips has a core for itself and ours, so that the slowest
hundredth tells as much of that core as of the server; nginx, under the same load, tells how much.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from benchmarks.asking import warm_up
from benchmarks.load import steady, wrk
from benchmarks.results import Metric, Results
from benchmarks.scenarios.hot import INFO_TARGET, LARGE_ZIP_TARGET
from benchmarks.stage import Stage, Started
from benchmarks.targets import BESIDE, NGINX_TUNED

PER_SECOND = 1000
SECONDS = 2.0
DOWNLOADS = 8
AROUND = 1
"""Seconds for which the downloads go on longer."""


def run(stage: Stage, results: Results) -> None:
    """Everybody in turn."""
    with stage.all_running([one for one in stage.servers if one.name != NGINX_TUNED]) as all_started:
        for started in all_started:
            warm_up(started.port, LARGE_ZIP_TARGET)
            warm_up(started.port, INFO_TARGET)
        for number in range(stage.options.rounds):
            turn = number % len(all_started)
            for started in [*all_started[turn:], *all_started[:turn]]:
                _measure(stage, started, results)
                started.server.tidy()


def _measure(stage: Stage, started: Started, results: Results) -> None:
    with ThreadPoolExecutor(1) as beside:
        url, seconds = started.url + LARGE_ZIP_TARGET, int(SECONDS) + AROUND
        downloads = beside.submit(wrk.run, stage.wrk, url, connections=DOWNLOADS, seconds=seconds)
        steady.run(started.port, [INFO_TARGET], rate=PER_SECOND, seconds=AROUND / 2)
        out = steady.run(started.port, [INFO_TARGET], rate=PER_SECOND, seconds=SECONDS)
        received = downloads.result().received / seconds / 1e6
    name = started.server.name
    results.add(BESIDE, name, Metric.MEGABYTES, received)
    for metric, share in ((Metric.P50, 0.5), (Metric.P95, 0.95), (Metric.P99, 0.99)):
        results.add(BESIDE, name, metric, out.percentile(share))

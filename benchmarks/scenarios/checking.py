"""Hot answers while large zips are checked: whether one team's new dependency is felt by all others.

The h1 of a large zip is worked out from every file in it, which costs a second of CPU time. It is done beside the
serving process, and this shows whether it stays there. With a checksum database, records are proven meanwhile too.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil

from benchmarks.asking import warm_up
from benchmarks.errors import Broken
from benchmarks.load import crowd, steady
from benchmarks.load.steady import Latencies
from benchmarks.project import CHECKED, CHECKED_BEFORE, CHECKED_VERSIONS, VERIFIED
from benchmarks.results import Metric, Results
from benchmarks.scenarios.hot import INFO_TARGET
from benchmarks.servers import Server
from benchmarks.stage import Stage
from benchmarks.targets import CHECKING, QUIET, VERIFYING
from benchmarks.upstream import Behaviour

RATE = 1000
"""Requests a second."""
CHECKED_SECONDS, VERIFIED_SECONDS = 4.0, 14.0
"""How long: ten zips are checked for longer than that; ten of 100 MB are fetched, verified and made durable in less."""
CHECKED_ROUNDS, VERIFIED_ROUNDS = 5, 2
"""At least, and at most. A quiet machine's slowest hundredth is less than half a millisecond: its ratio needs many."""
BANDWIDTH = 8_000_000
"""Bytes a second of each download, so that upstream and clients leave the core to our loop, which they share with it.
The last bytes come when some two seconds are over, and of 100 MB when it is twelve and a half."""
PATIENCE = 60.0
"""Seconds that downloads may need besides, on a slow disk."""


def run(stage: Stage, results: Results) -> None:
    """The same load twice in each round: with nothing beside it, and with ten downloads of cold zips. And once more
    through a gateway that has to find each of them in the checksum database."""
    checked, verified = (
        [f"/{path}/@v/{version}.zip" for version in (CHECKED_BEFORE, *CHECKED_VERSIONS)] for path in (CHECKED, VERIFIED)
    )
    for number in range(max(CHECKED_ROUNDS, stage.options.rounds)):
        for server in stage.newcomers(stage.home / f"checking{number}"):
            _beside(stage, results, server, checked, CHECKED_SECONDS, CHECKING)
    for number in range(min(VERIFIED_ROUNDS, stage.options.rounds)):
        stores = stage.home / f"verifying{number}"
        verifying, *_ = stage.newcomers(stores, checksum=stage.project.checksum)
        _beside(stage, results, verifying, verified, VERIFIED_SECONDS, VERIFYING, whole=True)
        shutil.rmtree(stores)  # a gigabyte


def _beside(
    stage: Stage,
    results: Results,
    server: Server,
    targets: list[str],
    seconds: float,
    busy: str,
    *,
    whole: bool = False,
) -> None:
    """The first of `targets` is fetched before anything is measured.

    Raises:
        Broken: `whole` downloads are waited for, and did not come.
    """
    before, *targets = targets
    with stage.awake(server) as started:
        warm_up(started.port, INFO_TARGET)
        warm_up(started.port, before)
        alone = steady.run(started.port, [INFO_TARGET], rate=RATE, seconds=CHECKED_SECONDS)
        stage.upstream.behave(Behaviour(stage.options.latency, BANDWIDTH))
        # Beside us, because our own loop must not wait for bytes of zips.
        beside = multiprocessing.get_context("fork").Process(target=_download, args=(started.port, targets))
        beside.start()
        crowded = steady.run(started.port, [INFO_TARGET], rate=RATE, seconds=seconds)
        if whole:
            beside.join(PATIENCE)
            if beside.exitcode != 0:
                raise Broken("ten zips were not verified while it was measured")
        beside.terminate()
        beside.join()
        stage.upstream.behave(Behaviour(stage.options.latency))
    _add(results, QUIET, server.name, alone)
    _add(results, busy, server.name, crowded)


def _download(port: int, targets: list[str]) -> None:
    os.nice(19)
    crowd.download(port, *targets)


def _add(results: Results, scenario: str, name: str, out: Latencies) -> None:
    results.add(scenario, name, Metric.RATE, out.rate)
    for metric, share in ((Metric.P50, 0.5), (Metric.P95, 0.95), (Metric.P99, 0.99)):
        results.add(scenario, name, metric, out.percentile(share))

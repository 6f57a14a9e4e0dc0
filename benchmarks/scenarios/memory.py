"""Memory: what a gateway costs its host, idle and on the day on which everybody downloads the same large thing.

PSS counts a page that processes share once, so that the numbers of workers can be added up.
"""

from __future__ import annotations

import time
from dataclasses import replace

from benchmarks.asking import warm_up
from benchmarks.load import crowd, wrk
from benchmarks.load.wrk import Mixed
from benchmarks.project import HOT, MISSING, PATH
from benchmarks.results import Metric, Results
from benchmarks.scenarios.hot import INFO_TARGET
from benchmarks.servers.modgate import has_workers
from benchmarks.stage import HUGE_TARGET, LATEST, LISTED, STORED, Stage
from benchmarks.targets import FURTHER, MANY, MODGATE, SLOW
from benchmarks.turns import CLIENTS

WORKERS = (1, 2, 4)
IDLE = "memory when idle, {} workers"
READERS = 200
SIPS, PAUSE = 20, 0.1
"""How often slow clients read, and the seconds between."""
MIXED_SECONDS, MANY_SECONDS = 3, 20
"""Some 200,000 requests; a million and more in the full run."""


def run(stage: Stage, results: Results) -> None:
    """Each part on processes of its own."""
    if has_workers():
        _idle(stage, results)
    for _ in range(min(2, stage.options.rounds)):
        _slow(stage, results)
    _many(stage, results)


def _idle(stage: Stage, results: Results) -> None:
    found = {}
    for count in WORKERS:
        server = replace(stage.modgate(), workers=count)
        with stage.running(server) as started:
            for name in stage.project.unstored[: 8 * count]:  # so that each worker has asked the upstream, most likely
                warm_up(started.port, f"/{name}")
            found[count] = started.process.memory()
        results.add(IDLE.format(count), MODGATE, Metric.PSS, found[count])
    # Two have the parent process already, which one does not need.
    results.add(FURTHER, MODGATE, Metric.PSS, (found[4] - found[2]) / 2)


def _slow(stage: Stage, results: Results) -> None:
    with stage.running(stage.modgate()) as started:
        # Once in whole, so that what is measured is the clients and not the first look at the file.
        crowd.download(started.port, HUGE_TARGET)
        before, most = started.process.memory(), 0.0
        with crowd.slow_readers(started.port, HUGE_TARGET, READERS) as slow:
            for _ in range(SIPS):
                slow.sip()
                most = max(most, started.process.memory())
                time.sleep(PAUSE)
    results.add(SLOW, MODGATE, Metric.PSS, most - before)


def _many(stage: Stage, results: Results) -> None:
    """A second of it first, so that everything is there that stays."""
    stored = (INFO_TARGET, STORED, LISTED, LATEST, *(f"/{name}" for name in stage.project.unstored))
    groups = ((80, stored), (12, (f"/{MISSING}/@v/list",)), (8, (f"/{PATH}/@v/{HOT}.zip",)))
    with stage.running(stage.modgate()) as started:
        requests = 0
        for seconds in (1, MANY_SECONDS if stage.options.full else MIXED_SECONDS):
            before = started.process.memory()
            figures = wrk.run(
                stage.wrk, started.url, connections=CLIENTS, seconds=seconds, status=0, mixed=Mixed(groups)
            )
            requests = figures.requests
            started.server.tidy()
        results.add(MANY, MODGATE, Metric.PSS, started.process.memory() - before)
    results.add(MANY, MODGATE, Metric.REQUESTS, requests)

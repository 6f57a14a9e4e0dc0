"""Growth: whether a gateway that has been running for years is as fast as on its first day.

The same on stores of 10 to 100,000 versions, a million in the full run: how long a start is felt, what the process
holds, how long the first answer from a file takes and that of a stored list, and hot ones.
"""

from __future__ import annotations

import shutil

from benchmarks.asking import warm_up
from benchmarks.grown import Grown, grown
from benchmarks.load import steady
from benchmarks.results import Metric, Results
from benchmarks.scenarios.start import start
from benchmarks.servers.modgate import Modgate
from benchmarks.stage import Stage
from benchmarks.targets import GROWTH_MISS, GROWTH_START, MODGATE

SIZES, MOST = (10, 1_000, 100_000), 1_000_000
FRESH = "freshness.public.fresh=3h"
"""Nobody is asked about the lists, which no upstream knows."""
HOT, FILES, LISTS = "hot .mod, {} versions", "first answers from files, {} versions", "stored lists, {} versions"
HELD = "memory, {} versions"
DIFFERENT = 500
"""Files and lists that are asked for once."""
RATE = 1000
"""Requests a second: answers from files take some hundred microseconds each."""


def run(stage: Stage, results: Results) -> None:
    """One store after the other; the next one is made when the last one has gone."""
    unstored = iter(reversed(stage.project.unstored))
    for size in (*SIZES, MOST) if stage.options.full else SIZES:
        store = grown(stage.home / f"grown{size}", size)
        server = stage.modgate(store.root, FRESH)
        label = f"{size:,}"
        for _ in range(min(3, stage.options.rounds)):
            hit, miss, held = GROWTH_START.format(label), GROWTH_MISS.format(label), HELD.format(label)
            start(stage, server, store.mods(1)[0], hit, f"{held}, after one hit", results)
            start(stage, server, f"/{next(unstored)}", miss, f"{held}, after one miss", results)
            _ask(stage, server, store, label, results)
        shutil.rmtree(store.root)


def _ask(stage: Stage, server: Modgate, store: Grown, label: str, results: Results) -> None:
    mods, lists = store.mods(DIFFERENT), store.lists(DIFFERENT)
    with stage.running(server, "/") as started:
        for scenario, targets in ((FILES, mods), (LISTS, lists)):
            out = steady.run(started.port, targets, rate=RATE, seconds=len(targets) / RATE)
            _add(results, scenario.format(label), out)
        warm_up(started.port, mods[0])
        _add(results, HOT.format(label), steady.run(started.port, mods[:1], rate=RATE, seconds=1.0))


def _add(results: Results, scenario: str, out: steady.Latencies) -> None:
    results.add(scenario, MODGATE, Metric.RATE, out.rate)
    for metric, share in ((Metric.P50, 0.5), (Metric.P95, 0.95), (Metric.P99, 0.99)):
        results.add(scenario, MODGATE, metric, out.percentile(share))

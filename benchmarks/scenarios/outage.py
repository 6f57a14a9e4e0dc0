"""The upstream is down, by an error or by silence: whether the company goes on building.

What is stored has to be answered as if nothing had happened, lists included, though they are stale. What is not stored
has to fail soon and by a status that says "later" and not "never", or go commands go around the gateway. And when the
upstream is back, nobody should have to wait for the gateway to notice.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks.asking import ask, warm_up
from benchmarks.errors import Broken
from benchmarks.load import steady
from benchmarks.project import NEW, WANTED
from benchmarks.results import Metric, Results
from benchmarks.scenarios.hot import INFO_TARGET
from benchmarks.stage import LATEST, LISTED, STORED, Stage, Started
from benchmarks.targets import OUTAGES, RECOVERY, UNCACHED
from benchmarks.upstream import Behaviour, Fault

FULL_ROUNDS = 3
"""Once otherwise: it takes ten seconds, most of which are deadlines."""
SMALL_ZIP = f"/example.com/wanted{min(files for files, _ in WANTED.values())}/module00/@v/{NEW}.zip"
STORED_TARGETS = (INFO_TARGET, STORED, LISTED, LATEST, SMALL_ZIP)
RATE, SECONDS = 500, 4.0
"""Requests a second for what is stored, and how long."""
ASKED = 10
"""What is not stored, all at once."""
DEADLINE = 5.0
"""Seconds within which that has to be answered."""
SETTINGS = ("freshness.public.fresh=0s", "deadlines.first_byte=1s", f"deadlines.request={DEADLINE:g}s")
"""Lists are stale at once, and a hanging upstream is given up soon, or this would take minutes."""
LATER = {502, 503, 504}
PATIENCE = 15.0
"""Seconds for the first 200 after an outage."""


def run(stage: Stage, results: Results) -> None:
    """Each kind of outage on a store of its own, filled before."""
    names = iter(stage.project.unstored)
    for number in range(FULL_ROUNDS if stage.options.full else 1):
        for scenario, fault in zip(OUTAGES, (Fault.ERROR, Fault.HANG), strict=True):
            folder = stage.home / f"outage-{fault}-{number}"
            for server in stage.newcomers(folder, *SETTINGS):
                with stage.running(server, STORED) as started:
                    _through(stage, started, scenario, fault, names, results)


def _through(
    stage: Stage, started: Started, scenario: str, fault: Fault, names: Iterator[str], results: Results
) -> None:
    """Fill, go down, ask, come back."""
    name, usual = started.server.name, Behaviour(stage.options.latency)
    for target in STORED_TARGETS:
        ask(started.port, target)
    warm_up(started.port, INFO_TARGET)
    stage.upstream.behave(Behaviour(stage.options.latency, fault=fault))
    try:
        out = steady.run(started.port, STORED_TARGETS, rate=RATE, seconds=SECONDS)
        share = _share_later(started, [f"/{next(names)}" for _ in range(ASKED)])
    finally:
        stage.upstream.behave(usual)
    results.add(RECOVERY.format(scenario), name, Metric.SECONDS, _recovery(started, f"/{next(names)}"))
    results.add(scenario, name, Metric.RATE, out.rate)
    for metric, part in ((Metric.P50, 0.5), (Metric.P95, 0.95), (Metric.P99, 0.99)):
        results.add(scenario, name, metric, out.percentile(part))
    results.add(scenario, name, Metric.SHARE, 100 * out.statuses[200] / out.statuses.total())
    results.add(UNCACHED.format(scenario), name, Metric.SHARE, share)


def _share_later(started: Started, targets: list[str]) -> float:
    """How many of a hundred were told in time to come again later."""
    with ThreadPoolExecutor(len(targets)) as pool:
        good = list(pool.map(lambda target: _is_later(started.port, target), targets))
    return 100 * sum(good) / len(good)


def _is_later(port: int, target: str) -> bool:
    began = time.monotonic()
    try:
        status = ask(port, target, seconds=2 * DEADLINE).status
    except Broken:
        return False
    return status in LATER and time.monotonic() - began <= DEADLINE + 0.5  # half a second to say so


def _recovery(started: Started, target: str) -> float:
    """Seconds until something that is not stored is answered again; PATIENCE if it is not."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        try:
            if ask(started.port, target, seconds=PATIENCE).status == 200:
                return time.monotonic() - began
        except Broken:
            pass
        time.sleep(0.01)
    return PATIENCE

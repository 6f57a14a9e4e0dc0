"""A herd: a hundred builds begin at the same moment and want the same zip, which nobody has asked for before.

It happens whenever a release is tagged and every pipeline of a company picks it up. One download should do for all, and
all of them should see its bytes arrive as if they were alone.
"""

from __future__ import annotations

from statistics import median

from benchmarks.load import crowd
from benchmarks.project import HERD as MODULE
from benchmarks.project import ONCE
from benchmarks.results import Metric, Results
from benchmarks.stage import Stage
from benchmarks.targets import HERD, HERD_WALL

CLIENTS = 100
TARGET = f"/{MODULE}/@v/{ONCE}.zip"
ALONE, STORED = "one client on a cold zip of 25 MB", "herd of 100 on a stored zip of 25 MB"


def run(stage: Stage, results: Results) -> None:
    """In each round: one client alone on an empty store, the herd on another, and the herd again on what is stored."""
    for number in range(stage.options.rounds):
        lonely = stage.newcomers(stage.home / f"alone{number}")
        crowded = stage.newcomers(stage.home / f"herd{number}")
        for first, second in zip(lonely, crowded, strict=True):
            with stage.awake(first) as started:
                alone = max(one.seconds for one in crowd.download(started.port, TARGET))
            with stage.awake(second) as started:
                stage.upstream.forget()
                herd = crowd.download(started.port, *[TARGET] * CLIENTS)
                requests = stage.upstream.counts().zips
                stored = max(one.seconds for one in crowd.download(started.port, *[TARGET] * CLIENTS))
            wall, name = max(one.seconds for one in herd), second.name
            results.add(ALONE, name, Metric.SECONDS, alone)
            results.add(STORED, name, Metric.SECONDS, stored)
            results.add(HERD, name, Metric.SECONDS, wall)
            results.add(HERD, name, Metric.REQUESTS, requests)
            results.add(HERD, name, Metric.FIRST_BYTE, median(one.first_byte for one in herd))
            results.add(HERD_WALL, name, Metric.TIMES, wall / max(alone, stored))

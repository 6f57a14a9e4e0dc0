"""From the start of a process to its first answers: what a restart or a new replica costs its users.

The first hit needs the store only; the first miss needs everything that asks an upstream, whose latency is in it. What
the process holds then is what an idle gateway costs its host.
"""

from __future__ import annotations

import time

from benchmarks.results import Metric, Results
from benchmarks.servers import Server
from benchmarks.servers.nginx import PLAIN
from benchmarks.stage import STORED, Stage
from benchmarks.targets import AFTER_MISS, IDLE, NGINX, UNSTORED
from benchmarks.targets import STORED as FIRST_HIT


def run(stage: Stage, results: Results) -> None:
    """A process of its own for each number. The files of the program are in the page cache, as after a restart."""
    unstored = iter(stage.project.unstored)
    for _ in range(stage.options.rounds):
        start(stage, stage.nginx_as(NGINX, PLAIN), STORED, FIRST_HIT, IDLE, results)
        start(stage, stage.modgate(), STORED, FIRST_HIT, IDLE, results)
        start(stage, stage.modgate(), f"/{next(unstored)}", UNSTORED, AFTER_MISS, results)


def start(stage: Stage, server: Server, target: str, scenario: str, memory_scenario: str, results: Results) -> None:
    """Time one start until `target` is answered."""
    began = time.perf_counter()
    started = stage.start(server, target)
    took = time.perf_counter() - began
    with started.process:
        memory = started.process.memory()
    results.add(scenario, server.name, Metric.SECONDS, took)
    results.add(memory_scenario, server.name, Metric.PSS, memory)

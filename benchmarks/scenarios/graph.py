"""The module graph of a project that nobody has resolved before: `go list -m all` with nothing stored anywhere.

A go command reads about ten .mod files for each zip. How long it takes through an empty gateway, against asking the
upstream itself, is what the first developer of the day feels; what the gateway asks for besides is what the company
pays.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from benchmarks.errors import Broken
from benchmarks.project import MODULES
from benchmarks.results import Metric, Results
from benchmarks.servers.modgate import Modgate
from benchmarks.stage import Stage
from benchmarks.targets import GRAPH, MODGATE, STRAIGHT
from tests.world.gocommand import Go

AGAIN = "stored module graph"
ROUNDS = 3
"""Each takes some seconds, most of which are the upstream's latency."""
DEVELOPERS_CORES = 8
"""A go command has so many requests in flight as it thinks that it has cores; on our one it would ask one by one."""


def run(stage: Stage, results: Results) -> None:
    """In each round: straight at the upstream, through a gateway with an empty store, and through the same again."""
    for number in range(min(ROUNDS, stage.options.rounds)):
        home = stage.home / f"graph{number}"
        home.mkdir()
        stage.upstream.forget()
        results.add(GRAPH, STRAIGHT, Metric.SECONDS, _resolve(stage, home / "straight", stage.upstream.url))
        results.add(GRAPH, STRAIGHT, Metric.REQUESTS, stage.upstream.counts().requests)
        _through(stage, home, results)


def _through(stage: Stage, home: Path, results: Results) -> None:
    gateway = Modgate(MODGATE, home / "store", stage.upstream.url, home / "access.log")
    # It has answered "/", and so has not asked for anything yet.
    started = stage.start(gateway, "/")
    with started.process:
        stage.upstream.forget()
        results.add(GRAPH, MODGATE, Metric.SECONDS, _resolve(stage, home / "cold", started.url))
        counts = stage.upstream.counts()
        results.add(AGAIN, MODGATE, Metric.SECONDS, _resolve(stage, home / "again", started.url))
    # Only now is everything in the access log.
    results.add(GRAPH, MODGATE, Metric.REQUESTS, counts.requests)
    results.add(GRAPH, MODGATE, Metric.ZIPS, counts.zips)
    results.add(GRAPH, MODGATE, Metric.BYTES_RATIO, counts.body_bytes / _asked_bytes(home / "access.log"))


def _resolve(stage: Stage, home: Path, proxy: str) -> float:
    """Seconds that a go command takes which has never seen anything.

    Raises:
        Broken: it did not find the whole graph.
    """
    go = Go(home, proxy, GOFLAGS="-modcacherw -mod=mod", GOMAXPROCS=str(DEVELOPERS_CORES))
    project = go.project("project", {"go.mod": stage.project.go_mod})
    began = time.perf_counter()
    done = go.tries("list", "-m", "all", cwd=project)
    took = time.perf_counter() - began
    found = len(done.stdout.splitlines()) - 1
    if done.returncode != 0 or found != MODULES:
        raise Broken(f"go list -m all: status {done.returncode}, {found} modules: {done.stderr[-500:]}")
    return took


def _asked_bytes(access_log: Path) -> int:
    """The sum of the .info and .mod files that were asked for, each once."""
    lines = [json.loads(line) for line in access_log.read_text().splitlines()]
    sizes = {line["target"]: line["bytes_sent"] for line in lines if line["status_code"] == 200}
    return sum(size for target, size in sizes.items() if target.endswith((".info", ".mod")))

"""The module graph of a project that nobody has resolved before: `go list -m all` with nothing stored anywhere.

A go command reads about ten .mod files for each zip. How long it takes through an empty gateway, against asking the
upstream itself, is what the first developer of the day feels; what the gateway asks for besides is what the company
pays. With a checksum database each .mod file needs a record too, proven in the database's log: what that costs is the
ratio of the verified graph to the same without.
"""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.errors import Broken
from benchmarks.project import MODULES
from benchmarks.results import Metric, Results
from benchmarks.servers import Server
from benchmarks.stage import Stage
from benchmarks.targets import GRAPH, GRAPH_VERIFIED, STRAIGHT
from benchmarks.upstream import Counts
from tests.world.gocommand import Go

AGAIN = "stored module graph"
ROUNDS = 3
"""Each takes some seconds, most of which are the upstream's latency."""
DEVELOPERS_CORES = 8
"""A go command has so many requests in flight as it thinks that it has cores; on our one it would ask one by one."""


def run(stage: Stage, results: Results) -> None:
    """In each round: straight at the upstream, through a gateway that has nothing of it, and through the same again."""
    with stage.anywhere() as wide:
        _rounds(wide, results)


def _rounds(stage: Stage, results: Results) -> None:
    for number in range(min(ROUNDS, stage.options.rounds)):
        home = stage.home / f"graph{number}"
        home.mkdir()
        stage.upstream.forget()
        results.add(GRAPH, STRAIGHT, Metric.SECONDS, _resolve(stage, home / "straight", stage.upstream.url))
        asked = stage.upstream.counts()
        results.add(GRAPH, STRAIGHT, Metric.REQUESTS, asked.requests)
        for server in stage.newcomers(home / "stores"):
            _through(stage, home / server.name, server, asked, results)
        verifying, *_ = stage.newcomers(home / "verified", checksum=stage.project.checksum)
        _verified(stage, home / "graph-verified", verifying, results)


def _through(stage: Stage, home: Path, server: Server, asked: Counts, results: Results) -> None:
    """`asked` is what the go command asks for itself."""
    with stage.awake(server) as started:
        stage.upstream.forget()
        results.add(GRAPH, server.name, Metric.SECONDS, _resolve(stage, home / "cold", started.url))
        counts = stage.upstream.counts()
        results.add(AGAIN, server.name, Metric.SECONDS, _resolve(stage, home / "again", started.url))
    results.add(GRAPH, server.name, Metric.REQUESTS, counts.requests)
    results.add(GRAPH, server.name, Metric.ZIPS, counts.zips)
    results.add(GRAPH, server.name, Metric.BYTES_RATIO, counts.body_bytes / asked.body_bytes)


def _verified(stage: Stage, home: Path, server: Server, results: Results) -> None:
    """Through a gateway that verifies what it keeps; the go command itself does not."""
    with stage.awake(server) as started:
        stage.upstream.forget()
        results.add(GRAPH_VERIFIED, server.name, Metric.SECONDS, _resolve(stage, home, started.url))
        counts = stage.upstream.counts()
    results.add(GRAPH_VERIFIED, server.name, Metric.REQUESTS, counts.requests)
    results.add(GRAPH_VERIFIED, server.name, Metric.ZIPS, counts.zips)


def _resolve(stage: Stage, home: Path, proxy: str) -> float:
    """Seconds that a go command takes which has never seen anything.

    Raises:
        Broken: it did not find the whole graph.
    """
    go = Go(home, proxy, GOFLAGS="-modcacherw -mod=mod", GOMAXPROCS=str(DEVELOPERS_CORES))
    project = go.project("project", {"go.mod": stage.project.graph})
    began = time.perf_counter()
    done = go.tries("list", "-m", "all", cwd=project)
    took = time.perf_counter() - began
    found = len(done.stdout.splitlines()) - 1
    if done.returncode != 0 or found != MODULES:
        raise Broken(f"go list -m all: status {done.returncode}, {found} modules: {done.stderr[-500:]}")
    return took

"""The first build of a project on a machine: `go mod download` of 249 files, with every check there is.

The go command looks each module up in the checksum database, and the gateway checks each zip; a peer that does not pass
the database on is asked without. Through an empty gateway
this is what the first developer waits for, through a full one what everybody else does; the same straight at the
upstream is what they would wait for without a gateway.
"""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.asking import ask
from benchmarks.errors import Broken
from benchmarks.project import WANTED
from benchmarks.results import Metric, Results
from benchmarks.scenarios.graph import DEVELOPERS_CORES, ROUNDS
from benchmarks.stage import Stage
from benchmarks.targets import COLD, STRAIGHT, WARM
from tests.world.gocommand import Go


def run(stage: Stage, results: Results) -> None:
    """In each round: straight, through a gateway that has nothing of it, and through the same again."""
    with stage.anywhere() as wide:
        _rounds(wide, results)


def _rounds(stage: Stage, results: Results) -> None:
    for number in range(min(ROUNDS, stage.options.rounds)):
        home = stage.home / f"download{number}"
        home.mkdir()
        stage.upstream.forget()
        results.add(COLD, STRAIGHT, Metric.SECONDS, _download(stage, home / "straight", stage.upstream.url))
        results.add(COLD, STRAIGHT, Metric.REQUESTS, stage.upstream.counts().requests)
        for server in stage.newcomers(home / "stores", checksum=stage.project.checksum):
            with stage.awake(server) as started:
                stage.upstream.forget()
                results.add(
                    COLD, server.name, Metric.SECONDS, _download(stage, home / f"cold {server.name}", started.url)
                )
                results.add(COLD, server.name, Metric.REQUESTS, stage.upstream.counts().requests)
                results.add(
                    WARM, server.name, Metric.SECONDS, _download(stage, home / f"warm {server.name}", started.url)
                )


def _download(stage: Stage, home: Path, proxy: str) -> float:
    """Seconds that a go command takes which has never seen anything.

    What it downloaded stays until the end of the run: ext4 without a journal goes around inodes that were freed within
    the last minute, one by one, and everybody who makes a file after a large removal pays for it.

    Raises:
        Broken: it did not get everything.
    """
    checksum = stage.project.checksum
    passed_on = ask(int(proxy.rpartition(":")[2]), f"/sumdb/{checksum.partition('+')[0]}/supported").status == 200
    environ = {"GOFLAGS": "-modcacherw -mod=mod", "GOMAXPROCS": str(DEVELOPERS_CORES)}
    go = Go(home, proxy, sumdb=checksum if passed_on else "off", **environ)
    project = go.project("project", {"go.mod": stage.project.download})
    began = time.perf_counter()
    done = go.tries("mod", "download", cwd=project)
    took = time.perf_counter() - began
    zips = sum(1 for _ in (go.module_cache / "cache/download").rglob("*.zip"))
    if done.returncode != 0 or zips != sum(WANTED):
        raise Broken(f"go mod download: status {done.returncode}, {zips} zips: {done.stderr[-500:]}")
    return took

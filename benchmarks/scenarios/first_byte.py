"""The first byte of a cold zip on a slow upstream: whether a large download looks alive.

A gateway that fetches everything before it sends anything makes clients wait for nothing, and proxies in between close
the connection. The bytes should come as they come from the upstream, and the end with the upstream's end.
"""

from __future__ import annotations

from benchmarks.load import crowd
from benchmarks.project import LARGE, PATH
from benchmarks.results import Metric, Results
from benchmarks.stage import Stage
from benchmarks.targets import FIRST, UPSTREAM
from benchmarks.upstream import Behaviour

BANDWIDTH = 20_000_000
"""Bytes a second."""
ROUNDS = 3
TARGET = f"/{PATH}/@v/{LARGE}.zip"


def run(stage: Stage, results: Results) -> None:
    """In each round: straight, and through empty gateways."""
    usual = Behaviour(stage.options.latency)
    stage.upstream.behave(Behaviour(stage.options.latency, BANDWIDTH))
    for number in range(min(ROUNDS, stage.options.rounds)):
        _measure(stage.upstream.port, UPSTREAM, results)
        for server in stage.newcomers(stage.home / f"first{number}"):
            with stage.awake(server) as started:
                _measure(started.port, server.name, results)
    stage.upstream.behave(usual)


def _measure(port: int, name: str, results: Results) -> None:
    (client,) = crowd.download(port, TARGET)
    results.add(FIRST, name, Metric.FIRST_BYTE, client.first_byte)
    results.add(FIRST, name, Metric.SECONDS, client.seconds)

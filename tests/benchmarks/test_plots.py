"""Plots are drawn of what was measured, where matplotlib is installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks import plots
from benchmarks.results import Metric, Results
from benchmarks.targets import HOT_METADATA, MODGATE, NGINX_LOG, RATE


def test_nothing_is_drawn_of_nothing(tmp_path: Path) -> None:
    assert plots.draw(Results(), tmp_path / "plots") == []


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="matplotlib is installed by `make bench-full` only")
def test_each_measured_group_is_one_small_picture(tmp_path: Path) -> None:
    results = Results()
    for server, rate in ((NGINX_LOG, 100.0), (MODGATE, 130.0)):
        results.add(HOT_METADATA[0], server, Metric.RATE, rate)
        results.add(RATE, server, Metric.P50, 0.1)
        results.add(RATE, server, Metric.P99, 0.2)
    drawn = plots.draw(results, tmp_path)
    assert [one.name for one in drawn] == ["throughput.png", "latency.png"]
    assert all(0 < one.stat().st_size < 60_000 for one in drawn)

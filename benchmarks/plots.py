"""The same results as pictures, for docs/performance.md: small PNG files, drawn by matplotlib where it is installed.

Belongs here: which numbers become which picture. Not here: tables (table.py).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.results import Metric, Results
from benchmarks.scenarios import growth
from benchmarks.targets import (
    GROWTH_START,
    HOT_METADATA,
    LARGE_ZIP,
    MISSING,
    MODGATE,
    NGINX,
    NGINX_LOG,
    NO_LOG,
    RATE,
    SMALL_ZIP,
)

COLOURS = {NGINX: "#999999", NGINX_LOG: "#444444", MODGATE: "#1f77b4", NO_LOG: "#9ecae9"}
"""Those of peers are matplotlib's own."""
SIZE, DOTS = (8.0, 4.0), 80
"""Inches, and dots of each: 640 pixels are as wide as a page shows, and weigh 20 KB."""


def draw(results: Results, folder: Path) -> list[Path]:
    """Draw what there are numbers of; the files. Without matplotlib nothing is drawn, and said why."""
    try:
        # By name, because type checkers need not find it.
        canvas: Any = import_module("matplotlib.figure")
    except ImportError:
        print("benchmarks: matplotlib is missing: no plots are drawn", file=sys.stderr)
        return []
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for name, plot in (("throughput", _throughput), ("latency", _latency), ("growth", _growth)):
        figure = canvas.Figure(figsize=SIZE, dpi=DOTS, layout="tight")
        if plot(results, figure.subplots()):
            figure.savefig(folder / f"{name}.png", metadata={"Software": None})
            drawn.append(folder / f"{name}.png")
    return drawn


def _throughput(results: Results, axes: Any) -> bool:
    """Rates as multiples of nginx's with a log."""
    scenarios = [(one, Metric.RATE) for one in (*HOT_METADATA, MISSING, SMALL_ZIP)]
    scenarios = [one for one in [*scenarios, (LARGE_ZIP, Metric.MEGABYTES)] if results.values(one[0], MODGATE, one[1])]
    if not scenarios:
        return False
    servers = (NGINX, NGINX_LOG, MODGATE, NO_LOG)
    bars = [[results.ratio(one, server, metric, NGINX_LOG) or 0.0 for one, metric in scenarios] for server in servers]
    _bars(axes, [one for one, _ in scenarios], dict(zip(servers, bars, strict=True)))
    axes.axhline(1.0, color="black", linewidth=0.8)
    axes.set_ylabel(f"rate, as a multiple of {NGINX_LOG}")
    return True


def _latency(results: Results, axes: Any) -> bool:
    """Latencies of the open loop."""
    metrics = (Metric.P50, Metric.P95, Metric.P99)
    found = [server for scenario, server, metric in results if (scenario, metric) == (RATE, Metric.P50)]
    if not found:
        return False
    bars = {server: [results.median(RATE, server, one) or 0.0 for one in metrics] for server in found}
    _bars(axes, [metric.partition(" ")[0] for metric in metrics], bars)
    axes.set_ylabel(f"ms, {RATE}")
    return True


def _growth(results: Results, axes: Any) -> bool:
    """What must not grow with the store."""
    sizes = [
        one
        for one in (*growth.SIZES, growth.MOST)
        if results.values(GROWTH_START.format(f"{one:,}"), MODGATE, Metric.SECONDS)
    ]
    if not sizes:
        return False
    lines = {
        "start to first hit, s": (GROWTH_START, Metric.SECONDS),
        "first answer from a file, p50 ms": (growth.FILES, Metric.P50),
        "stored list, p50 ms": (growth.LISTS, Metric.P50),
        "hot .mod, p50 ms": (growth.HOT, Metric.P50),
        "memory, PSS in 100 MB": (f"{growth.HELD}, after one hit", Metric.PSS),
    }
    for label, (scenario, metric) in lines.items():
        values = [results.median(scenario.format(f"{size:,}"), MODGATE, metric) or 0.0 for size in sizes]
        axes.plot(sizes, [one / 100 if metric is Metric.PSS else one for one in values], marker="o", label=label)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("stored versions")
    _legend(axes, columns=3)
    return True


def _bars(axes: Any, groups: Sequence[str], bars: dict[str, list[float]]) -> None:
    width = 0.8 / max(len(bars), 1)
    for number, (label, heights) in enumerate(bars.items()):
        axes.bar(
            [place + number * width for place in range(len(groups))],
            heights,
            width,
            label=label,
            color=COLOURS.get(label),
        )
    middle = width * (len(bars) - 1) / 2
    axes.set_xticks([place + middle for place in range(len(groups))], groups, fontsize="small", rotation=15)
    _legend(axes, columns=len(bars))


def _legend(axes: Any, columns: int) -> None:
    """Above the plot, where it hides nothing."""
    axes.legend(fontsize="small", ncols=columns, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)

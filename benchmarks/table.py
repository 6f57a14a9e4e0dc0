"""Results as tables that read well in a terminal and in Markdown.

Belongs here: which numbers stand beside each other. Not here: what they should be (targets.py), the same results as
pictures (plots.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.results import Metric, Results
from benchmarks.targets import TARGETS, targets_of

LEADING = (Metric.RATE, Metric.MEGABYTES)
DETAILS = (Metric.P50, Metric.P95, Metric.P99)
CPU = (Metric.CPU_REQUEST, Metric.CPU_GIGABYTE)


def throughput(results: Results) -> str:
    """One row for each scenario and server that has a rate; "" if there is none."""
    keys = [key for key in results if key[2] in LEADING]
    rows = [(*_common(results, *key), *_details(results, *key), _verdict(results, *key)) for key in keys]
    head = ("scenario", "server", "median", "unit", "spread", "ratio", "p50 ms", "p95 ms", "p99 ms", "CPU", "to reach")
    return markdown([head, *rows]) if rows else ""


def single(results: Results) -> str:
    """One row for each other number; "" if there is none."""
    keys = [key for key in results if key[2] not in (*LEADING, *DETAILS, *CPU)]
    rows = [(*_common(results, *key), _verdict(results, *key)) for key in keys]
    return markdown([("scenario", "server", "median", "unit", "spread", "ratio", "to reach"), *rows]) if rows else ""


def summary(results: Results) -> str:
    """How many targets are met, and which are not."""
    verdicts = [(target, target.is_met(results)) for target in TARGETS]
    measured = [met for _, met in verdicts if met is not None]
    missed = [
        f"- not met: {one.scenario}, {one.server}: {one.metric} {one.text}, is {number(one.reached(results))}"
        for one, met in verdicts
        if met is False
    ]
    said = f"{sum(measured)} of {len(measured)} measured targets are met."
    return "\n".join([said, "", *missed] if missed else [said])


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table with its columns in line; the first row is its head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *rest = [_line(row, widths) for row in rows]
    return "\n".join([head, _line(["-" * width for width in widths], widths), *rest])


def _common(results: Results, scenario: str, server: str, metric: Metric) -> tuple[str, ...]:
    spread, base = results.spread(scenario, server, metric), results.base(scenario, metric)
    return (
        scenario,
        server,
        number(results.median(scenario, server, metric)),
        metric,
        "" if spread is None else f"{spread * 100:.0f} %",
        "" if server == base else number(results.ratio(scenario, server, metric, base)),
    )


def _details(results: Results, scenario: str, server: str, _: Metric) -> tuple[str, ...]:
    latencies = (number(results.median(scenario, server, one)) for one in DETAILS)
    cpu = next((one for one in CPU if results.values(scenario, server, one)), None)
    if cpu is None:
        return (*latencies, "")
    unit = cpu.removeprefix("CPU ").removesuffix("/request")
    return (*latencies, f"{number(results.median(scenario, server, cpu))} {unit}")


def _verdict(results: Results, scenario: str, server: str, metric: Metric) -> str:
    shown = (metric, *DETAILS, *CPU) if metric in LEADING else (metric,)
    verdicts = []
    for target in targets_of(scenario, server, *shown):
        met = target.is_met(results)
        if met is None:
            continue
        name = "" if target.metric is metric else f"{target.metric.partition(' ')[0]} "
        verdicts.append(f"{name}{target.text}: {'met' if met else 'NOT met'}")
    return "; ".join(verdicts)


def number(value: float | None) -> str:
    """Three digits, or all that stand before the point; "" for None."""
    if value is None:
        return ""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _line(cells: Iterable[str], widths: Iterable[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

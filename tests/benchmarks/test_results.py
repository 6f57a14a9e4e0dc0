"""What the benchmark works out of its numbers: medians, ratios, and whether a target is met."""

from __future__ import annotations

import pytest

from benchmarks import table
from benchmarks.results import Metric, Results
from benchmarks.targets import GRAPH, IDLE, MODGATE, NGINX, STORED, target_of


def results_of(scenario: str, metric: Metric, **numbers: list[float]) -> Results:
    results = Results()
    for rounds in zip(*numbers.values(), strict=True):
        for server, value in zip(numbers, rounds, strict=True):
            results.add(scenario, server, metric, value)
    return results


def test_a_machine_that_becomes_slower_halfway_does_not_move_a_ratio() -> None:
    results = results_of("hot .mod", Metric.RATE, nginx=[100.0, 100.0, 10.0], modgate=[90.0, 90.0, 9.0])
    assert results.ratio("hot .mod", MODGATE, Metric.RATE, NGINX) == pytest.approx(0.9)
    assert results.spread("hot .mod", MODGATE, Metric.RATE) == pytest.approx(0.9)
    assert results.base("hot .mod", Metric.RATE) == NGINX


def test_what_was_not_measured_has_no_numbers() -> None:
    results = Results()
    assert results.values("hot .mod", MODGATE, Metric.RATE) == []
    assert results.median("hot .mod", MODGATE, Metric.RATE) is None
    assert results.spread("hot .mod", MODGATE, Metric.RATE) is None
    assert results.ratio("hot .mod", MODGATE, Metric.RATE, NGINX) is None


@pytest.mark.parametrize(
    ("scenario", "metric", "value", "met"),
    [
        (STORED, Metric.SECONDS, 1.0, True),
        (STORED, Metric.SECONDS, 1.01, False),
        (IDLE, Metric.RSS, 70.0, True),
        (IDLE, Metric.RSS, 70.1, False),
        (GRAPH, Metric.BYTES_RATIO, 1.05, True),
        (GRAPH, Metric.BYTES_RATIO, 1.06, False),
        (GRAPH, Metric.ZIPS, 0.0, True),
        (GRAPH, Metric.ZIPS, 1.0, False),
    ],
)
def test_a_target_is_met_up_to_its_bound(scenario: str, metric: Metric, value: float, met: bool) -> None:
    target = target_of(scenario, MODGATE, metric)
    assert target is not None
    assert target.is_met(results_of(scenario, metric, modgate=[value])) is met
    assert target.is_met(Results()) is None


@pytest.mark.parametrize(("rate", "verdict"), [(80.0, "≥ 0.8 of nginx: met"), (79.0, "≥ 0.8 of nginx: NOT met")])
def test_the_table_says_whether_hot_metadata_is_as_fast_as_it_has_to_be(rate: float, verdict: str) -> None:
    results = results_of("hot .mod", Metric.RATE, nginx=[100.0], modgate=[rate])
    row = table.throughput(results).splitlines()[-1]
    assert [cell.strip() for cell in row.strip("|").split("|")][:3] == ["hot .mod", "modgate", f"{rate:.1f}"]
    assert verdict in row
    assert table.single(results) == ""


def test_missed_targets_are_listed_at_the_end() -> None:
    results = results_of(STORED, Metric.SECONDS, modgate=[0.2])
    results.add(IDLE, MODGATE, Metric.RSS, 90.0)
    assert table.summary(results).splitlines() == [
        "1 of 2 measured targets are met.",
        f"  not met: {IDLE}, modgate: ≤ 70",
    ]

"""What the benchmark works out of its numbers: medians, ratios, and whether a target is met."""

from __future__ import annotations

import pytest

from benchmarks import table
from benchmarks.results import Metric, Results
from benchmarks.targets import GRAPH, IDLE, INFO, MISSING, MODGATE, NGINX, NGINX_LOG, STORED, TARGETS, targets_of


def results_of(scenario: str, metric: Metric, numbers: dict[str, list[float]]) -> Results:
    results = Results()
    for rounds in zip(*numbers.values(), strict=True):
        for server, value in zip(numbers, rounds, strict=True):
            results.add(scenario, server, metric, value)
    return results


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_a_machine_that_becomes_slower_halfway_does_not_move_a_ratio() -> None:
    results = results_of("hot .mod", Metric.RATE, {NGINX: [100.0, 100.0, 10.0], MODGATE: [90.0, 90.0, 9.0]})
    assert results.ratio("hot .mod", MODGATE, Metric.RATE, NGINX) == pytest.approx(0.9)
    assert results.spread("hot .mod", MODGATE, Metric.RATE) == pytest.approx(0.9)
    assert results.base("hot .mod", Metric.RATE) == NGINX


def test_a_number_may_be_compared_with_one_of_another_scenario() -> None:
    results = results_of(INFO, Metric.RATE, {MODGATE: [100.0, 200.0]})
    for value in (90.0, 180.0):
        results.add(MISSING, MODGATE, Metric.RATE, value)
    assert results.ratio(MISSING, MODGATE, Metric.RATE, MODGATE, INFO) == pytest.approx(0.9)


def test_what_was_not_measured_has_no_numbers() -> None:
    results = Results()
    assert results.values("hot .mod", MODGATE, Metric.RATE) == []
    assert results.median("hot .mod", MODGATE, Metric.RATE) is None
    assert results.spread("hot .mod", MODGATE, Metric.RATE) is None
    assert results.ratio("hot .mod", MODGATE, Metric.RATE, NGINX) is None


@pytest.mark.parametrize(
    ("scenario", "metric", "value", "met"),
    [
        (STORED, Metric.SECONDS, 0.6, True),
        (STORED, Metric.SECONDS, 0.61, False),
        (IDLE, Metric.PSS, 60.0, True),
        (IDLE, Metric.PSS, 60.1, False),
        (GRAPH, Metric.BYTES_RATIO, 1.1, True),
        (GRAPH, Metric.BYTES_RATIO, 1.11, False),
        (GRAPH, Metric.ZIPS, 0.0, True),
        (GRAPH, Metric.ZIPS, 1.0, False),
    ],
)
def test_a_target_is_met_up_to_its_bound(scenario: str, metric: Metric, value: float, met: bool) -> None:
    (target,) = targets_of(scenario, MODGATE, metric)
    assert target.is_met(results_of(scenario, metric, {MODGATE: [value]})) is met
    assert target.is_met(Results()) is None


def test_every_target_has_one_bound_and_is_told_from_all_others() -> None:
    assert all((one.at_least is None) != (one.at_most is None) for one in TARGETS)
    assert len({(one.scenario, one.server, one.metric, one.base) for one in TARGETS}) == len(TARGETS)


@pytest.mark.parametrize(("rate", "verdict"), [(100.0, "met"), (99.0, "NOT met")])
def test_the_table_says_whether_hot_metadata_is_as_fast_as_it_has_to_be(rate: float, verdict: str) -> None:
    results = results_of("hot .mod", Metric.RATE, {NGINX: [110.0], NGINX_LOG: [100.0], MODGATE: [rate]})
    row = cells(table.throughput(results).splitlines()[-1])
    assert row[:4] == ["hot .mod", "modgate", table.number(rate), "requests/s"]
    assert row[-1] == f"≥ 1 of {NGINX_LOG}: {verdict}; ≥ 0.85 of {NGINX}: met"
    assert table.single(results) == ""


def test_a_target_for_a_latency_stands_in_the_row_of_the_rate() -> None:
    results = results_of("hot .info at 5,000/s", Metric.RATE, {NGINX_LOG: [5000.0], MODGATE: [5000.0]})
    results.add("hot .info at 5,000/s", NGINX_LOG, Metric.P99, 1.0)
    results.add("hot .info at 5,000/s", MODGATE, Metric.P99, 1.6)
    assert cells(table.throughput(results).splitlines()[-1])[-1] == f"p99 ≤ 1.5 of {NGINX_LOG}: NOT met"


def test_missed_targets_are_listed_at_the_end() -> None:
    results = results_of(STORED, Metric.SECONDS, {MODGATE: [0.2]})
    results.add(IDLE, MODGATE, Metric.PSS, 90.0)
    assert table.summary(results).splitlines() == [
        "1 of 2 measured targets are met.",
        "",
        f"- not met: {IDLE}, modgate: PSS MB ≤ 60, is 90.0",
    ]

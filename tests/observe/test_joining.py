"""Several processes count as one."""

from __future__ import annotations

import json

from modgate.observe.families import CONNECTIONS, REQUEST_SECONDS, REQUESTS, START_TIME, UPSTREAM_UP
from modgate.observe.joining import Snapshot, joined, lasting, snapshot
from modgate.observe.metrics import Counter, Gauge, Histogram, Metrics, Sample


def counted(requests: int, *, up: float, started: float) -> Snapshot:
    """What one process counted, as it arrives at another one."""
    metrics = Metrics()
    metrics.counter(REQUESTS, "info", "200", "hit").add(requests)
    metrics.read(CONNECTIONS, lambda: 2.0)
    metrics.gauge(UPSTREAM_UP, "https://a.example").set(up)
    metrics.gauge(START_TIME).set(started)
    metrics.histogram(REQUEST_SECONDS, "info").observe(0.002)
    told: Snapshot = json.loads(json.dumps(snapshot(metrics.samples())))
    return told


def found(*snapshots: Snapshot) -> dict[str, Sample]:
    return {sample[0].name: sample for sample in joined(snapshots)}


def test_counters_and_histograms_are_added_and_gauges_joined_by_their_meaning() -> None:
    whole = found(counted(3, up=1, started=20), counted(4, up=0, started=10))
    assert whole["modgate_requests_total"] == (REQUESTS, ("info", "200", "hit"), Counter(7))
    assert whole["modgate_connections"][2] == Gauge(4)
    assert whole["modgate_upstream_up"][2] == Gauge(0)
    assert whole["modgate_process_start_time_seconds"][2] == Gauge(10)
    histogram = whole["modgate_request_seconds"][2]
    assert isinstance(histogram, Histogram)
    assert (sum(histogram.counts), histogram.total) == (2, 0.004)


def test_what_a_dead_process_counted_goes_on_counting_but_it_has_no_connections_any_more() -> None:
    whole = found(lasting(counted(3, up=0, started=1)), counted(4, up=1, started=20))
    assert whole["modgate_requests_total"][2] == Counter(7)
    assert whole["modgate_connections"][2] == Gauge(2)
    assert whole["modgate_upstream_up"][2] == Gauge(1)

"""A scrape shows every number of the process in Prometheus's text format."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from modgate.observe.exposition import render
from modgate.observe.families import CONNECTIONS, REQUEST_SECONDS, REQUESTS, RESIDENT_BYTES
from modgate.observe.metrics import Metrics
from modgate.observe.process import register


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = render(metrics.samples())[0].decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_counters_gauges_and_callbacks_are_shown_with_their_labels() -> None:
    metrics = Metrics()
    metrics.counter(REQUESTS, "info", "200", "hit").add(3)
    metrics.counter(REQUESTS, "zip", "404", "none").add()
    metrics.read(CONNECTIONS, lambda: 5.0)
    found = samples(metrics)
    assert found["modgate_requests_total", (("cache", "hit"), ("kind", "info"), ("status", "200"))] == 3
    assert found["modgate_requests_total", (("cache", "none"), ("kind", "zip"), ("status", "404"))] == 1
    assert found["modgate_connections", ()] == 5


def test_a_histogram_is_shown_in_cumulative_buckets() -> None:
    metrics = Metrics()
    histogram = metrics.histogram(REQUEST_SECONDS, "info")
    for seconds in (0.0001, 0.002, 0.002, 100.0):
        histogram.observe(seconds)
    found = samples(metrics)
    assert found["modgate_request_seconds_bucket", (("kind", "info"), ("le", "0.0005"))] == 1
    assert found["modgate_request_seconds_bucket", (("kind", "info"), ("le", "0.0025"))] == 3
    assert found["modgate_request_seconds_bucket", (("kind", "info"), ("le", "+Inf"))] == 4
    assert found["modgate_request_seconds_count", (("kind", "info"),)] == 4
    assert found["modgate_request_seconds_sum", (("kind", "info"),)] == 100.0041


def test_the_media_type_is_the_text_format() -> None:
    assert render([])[1].startswith("text/plain; version=")


def test_the_process_tells_its_memory_time_files_and_version() -> None:
    metrics = Metrics()
    register(metrics, version="0.1.0", started=1_700_000_000.0)
    found = samples(metrics)
    assert found["modgate_build_info", (("version", "0.1.0"),)] == 1
    assert found["modgate_process_start_time_seconds", ()] == 1_700_000_000
    assert 5e6 < found[RESIDENT_BYTES.name, ()] < 1e10
    assert found["modgate_process_cpu_seconds_total", ()] > 0
    assert found["modgate_process_open_files", ()] > 2

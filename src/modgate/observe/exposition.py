"""The numbers of this process in the text format that Prometheus scrapes.

Belongs here: the translation of metrics.py's children. prometheus-client is imported at the first scrape only: a
gateway that nobody scrapes does not pay for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from modgate.observe.metrics import Child, Family, Histogram, Sample

if TYPE_CHECKING:
    from prometheus_client.core import Metric


def render(samples: Iterable[Sample]) -> tuple[bytes, str]:
    """The samples, and their media type."""
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(samples))
    return generate_latest(registry), CONTENT_TYPE_LATEST


class _Collector:
    """What prometheus-client asks for the current samples."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = list(samples)

    def collect(self) -> Iterator[Metric]:
        families: dict[Family, Metric] = {}
        for family, labels, child in self._samples:
            metric = families.get(family)
            if metric is None:
                metric = families[family] = _empty(family)
            _add(metric, family, labels, child)
        yield from families.values()


def _empty(family: Family) -> Metric:
    from prometheus_client.core import Metric

    # In this format the suffix _total belongs to the sample of a counter and not to its family.
    return Metric(family.name.removesuffix("_total"), family.help, family.kind)


def _add(metric: Metric, family: Family, labels: tuple[str, ...], child: Child) -> None:
    named = dict(zip(family.labels, labels, strict=True))
    if not isinstance(child, Histogram):
        metric.add_sample(family.name, named, child.value)
        return
    bounds = [*map(str, child.bounds), "+Inf"]
    for bound, count in zip(bounds, accumulate(child.counts), strict=True):
        metric.add_sample(f"{family.name}_bucket", {**named, "le": bound}, count)
    metric.add_sample(f"{family.name}_count", named, sum(child.counts))
    metric.add_sample(f"{family.name}_sum", named, child.total)

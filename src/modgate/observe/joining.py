"""What several processes count, as one: snapshots that can be sent, and their sum.

Belongs here: how numbers of processes become those of the gateway. Not here: how they are sent (gateway/).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from modgate.observe.families import ALL
from modgate.observe.metrics import Child, Counter, Family, Gauge, Histogram, Sample

Snapshot = list[list[Any]]
"""[name, labels, value] of each sample; the value of a histogram is [counts, total]."""


def snapshot(samples: Iterable[Sample]) -> Snapshot:
    """The samples as JSON knows them."""
    return [[family.name, list(labels), _value(child)] for family, labels, child in samples]


def joined(snapshots: Iterable[Snapshot]) -> Iterator[Sample]:
    """One sample for each name and labels: counters and histograms are added, gauges as their family says."""
    families = {family.name: family for family in ALL}
    found: dict[tuple[Family, tuple[str, ...]], Child] = {}
    for one in snapshots:
        for name, labels, value in one:
            key = families[name], tuple(labels)
            child = _child(key[0], value)
            found[key] = _added(key[0], found[key], child) if key in found else child
    for (family, labels), child in found.items():
        yield family, labels, child


def lasting(one: Snapshot) -> Snapshot:
    """What of a process's numbers still counts after its end: all but gauges."""
    families = {family.name: family for family in ALL}
    return [entry for entry in one if families[entry[0]].kind != "gauge"]


def _value(child: Child) -> Any:
    return [child.counts, child.total] if isinstance(child, Histogram) else child.value


def _child(family: Family, value: Any) -> Child:
    if family.kind == "histogram":
        return Histogram(family.bounds, counts=list(value[0]), total=value[1])
    return Counter(value) if family.kind == "counter" else Gauge(value)


def _added(family: Family, one: Child, other: Child) -> Child:
    if isinstance(one, Histogram) and isinstance(other, Histogram):
        counts = [here + there for here, there in zip(one.counts, other.counts, strict=True)]
        return Histogram(one.bounds, counts=counts, total=one.total + other.total)
    assert not isinstance(one, Histogram) and not isinstance(other, Histogram)
    values = one.value, other.value
    value = sum(values) if family.joined == "sum" else min(values) if family.joined == "least" else max(values)
    return Counter(value) if family.kind == "counter" else Gauge(value)

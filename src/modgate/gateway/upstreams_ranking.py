"""What a comparison of mirrors comes to: figures for each, and the chain that follows from them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modgate.source.base import Kind
from modgate.source.recent import quantile

ANSWERS = frozenset({200, 404, 410})
"""Statuses of a mirror that does its work, whether it has the module or not."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One file from one mirror."""

    module: str
    """path@version"""
    kind: Kind
    status: int
    """0: no answer."""
    first: float
    """Seconds to the status line."""
    whole: float
    """Seconds to the last byte."""
    size: int = 0
    content: tuple[str, ...] = ()
    """What others have to agree on: hashes, or the versions of a list."""


@dataclass(slots=True)
class Sight:
    """All that was seen of one mirror."""

    url: str
    """Without credentials."""
    taken: list[Taken] = field(default_factory=list)
    supports_checksums: bool = False
    wants_slash: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one mirror, compared with the others."""

    url: str
    p50: float | None
    """Seconds to the first byte, of answers."""
    p95: float | None
    throughput: float | None
    """Bytes a second, of zips."""
    success: float
    """Share of asks that were answered at all."""
    coverage: float
    """Share of modules whose .info, go.mod and zip it has."""
    missing: int
    """Versions that others list, and it does not."""
    supports_checksums: bool
    differs: tuple[str, ...]
    """Files whose content is not what most mirrors have, as path@version kind."""
    wants_slash: bool


def figures(sights: Sequence[Sight]) -> list[Figures]:
    """For each mirror, in their order."""
    majority, versions = _majority(sights), _versions(sights)
    return [_figures(sight, majority, versions) for sight in sights]


def _figures(
    sight: Sight, majority: Mapping[tuple[str, Kind], tuple[str, ...]], versions: Mapping[str, frozenset[str]]
) -> Figures:
    answered = [one for one in sight.taken if one.status in ANSWERS]
    times = sorted(one.first for one in answered)
    zips = [one for one in sight.taken if one.kind is Kind.ZIP and one.status == 200]
    seconds = sum(one.whole for one in zips)
    lists = [one for one in sight.taken if one.kind is Kind.LIST and one.status == 200]
    differs = [
        f"{one.module} {one.kind}"
        for one in sight.taken
        if one.status == 200 and one.content and one.content != majority.get((one.module, one.kind), one.content)
    ]
    return Figures(
        url=sight.url,
        p50=quantile(times, 0.5) if times else None,
        p95=quantile(times, 0.95) if times else None,
        throughput=sum(one.size for one in zips) / seconds if seconds else None,
        success=len(answered) / len(sight.taken) if sight.taken else 0.0,
        coverage=_coverage(sight),
        missing=sum(len(versions[one.module] - set(one.content)) for one in lists),
        supports_checksums=sight.supports_checksums,
        differs=tuple(differs),
        wants_slash=sight.wants_slash,
    )


def _coverage(sight: Sight) -> float:
    modules = {one.module for one in sight.taken}
    lacking = {one.module for one in sight.taken if one.kind is not Kind.LIST and one.status != 200}
    return len(modules - lacking) / len(modules) if modules else 0.0


def _majority(sights: Sequence[Sight]) -> dict[tuple[str, Kind], tuple[str, ...]]:
    """The content that most mirrors have of each go.mod file and zip; where as many have another, nobody is right."""
    found: dict[tuple[str, Kind], Counter[tuple[str, ...]]] = {}
    for sight in sights:
        for one in sight.taken:
            if one.status == 200 and one.kind in (Kind.MOD, Kind.ZIP):
                found.setdefault((one.module, one.kind), Counter())[one.content] += 1
    decided = {}
    for key, counted in found.items():
        (content, number), *others = counted.most_common(2)
        decided[key] = content if not others or others[0][1] < number else ("nobody knows",)
    return decided


def _versions(sights: Sequence[Sight]) -> dict[str, frozenset[str]]:
    """All versions that any mirror lists."""
    found: dict[str, frozenset[str]] = {}
    for sight in sights:
        for one in sight.taken:
            if one.kind is Kind.LIST and one.status == 200:
                found[one.module] = found.get(one.module, frozenset()) | frozenset(one.content)
    return found


def recommended(all_figures: Sequence[Figures]) -> str:
    """A chain of those that can be trusted, the best one first; "" if there is none.

    A mirror that hands out other content than the others is left out whatever else it can. Of the rest, what it has
    counts first, then whether it answers, then how current it is, and its speed only then. They are joined by `|`: what
    one cannot answer, the next one may.
    """
    good = [one for one in all_figures if not one.differs and one.coverage > 0 and one.success >= 0.5]
    best = sorted(good, key=lambda one: (-one.coverage, -round(one.success, 2), one.missing, one.p50 or 0.0))
    return "|".join(one.url for one in best)


def document(all_figures: Sequence[Figures]) -> dict[str, Any]:
    """As JSON knows it."""
    rows = [
        {
            "url": one.url,
            "p50_seconds": one.p50,
            "p95_seconds": one.p95,
            "bytes_per_second": one.throughput,
            "success": one.success,
            "coverage": one.coverage,
            "missing_versions": one.missing,
            "supports_checksums": one.supports_checksums,
            "differs": list(one.differs),
            "wants_slash": one.wants_slash,
        }
        for one in all_figures
    ]
    return {"upstreams": rows, "recommended": recommended(all_figures)}

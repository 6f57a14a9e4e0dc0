"""Settings become the small dataclasses that components take: only the gateway knows both."""

from __future__ import annotations

from dataclasses import replace

from modgate.cache.freshness import Ages
from modgate.net.limits import Bounds, Deadlines
from modgate.serve.edge import WireLimits
from modgate.serve.lifecycle import connections_allowed
from modgate.settings import model
from modgate.settings.loaded import Loaded
from modgate.source.breaker import Limits
from modgate.source.goproxy import Sizes
from modgate.source.health import HealthCheck


def pseudonym(identity: str) -> str:
    """Our name in Via headers (RFC 9110 §7.6.3): no host name of the company leaves with it."""
    return f"modgate-{identity}"


def deadlines(settings: model.Deadlines) -> Deadlines:
    return Deadlines(
        connect=settings.connect,
        first_byte=settings.first_byte,
        idle=settings.idle,
        total=settings.total,
        total_small=settings.small_total,
    )


def breaker(settings: model.Settings) -> Limits:
    return Limits(
        failures=settings.breaker.failures,
        probe_every=settings.breaker.probe_every,
        probe_timeout=settings.breaker.probe_timeout,
        # Its own clock begins a little after that of the hedge; one that was called off so late was overtaken.
        overtaken=settings.deadlines.hedge / 2,
    )


def health_check(loaded: Loaded, url: str) -> HealthCheck:
    """That of an upstream: what the more specific entries for it say comes last."""
    check = loaded.settings.health_check
    for one in sorted(loaded.meaning.outside, key=lambda one: one.place.rank):
        if one.place.covers(url):
            check = replace(check, **one.host.health_check)
    return HealthCheck(check.path, check.every, check.timeout, check.rise, check.fall, check.status, check.header)


def sizes(limits: model.Limits) -> Sizes:
    return Sizes(limits.list, limits.info, limits.mod, limits.zip)


def workers(settings: model.Settings) -> int:
    """How many serve; those of several are told the number (shares.py)."""
    return 1 if settings.workers == "auto" else settings.workers


def bounds(settings: model.Settings) -> Bounds:
    return Bounds(per_host=settings.limits.upstream_requests_per_host)


def ages(settings: model.Ages) -> Ages:
    return Ages(
        fresh=settings.fresh,
        stale=settings.stale,
        keep=settings.keep,
        absent_version=settings.absent_version,
        absent_path=settings.absent_path,
        absent_latest=settings.absent_latest,
    )


def wire(settings: model.Settings) -> WireLimits:
    return WireLimits(
        target_bytes=settings.limits.url,
        head_bytes=settings.limits.headers,
        request_seconds=settings.deadlines.request_header,
        idle_seconds=settings.deadlines.keep_alive,
        stall_seconds=settings.deadlines.write_stall,
        connections=connections_allowed(),
    )

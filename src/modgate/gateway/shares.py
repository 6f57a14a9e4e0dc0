"""What several workers share, and how long they are given at the end."""

from __future__ import annotations

from dataclasses import replace

from modgate.settings import model

SETTLE = 2.0
"""Seconds for fetches that nobody waits for any more when the gateway stops."""


def shared(settings: model.Settings, workers: int) -> model.Settings:
    """The settings of one of several workers: what bounds the whole gateway is divided among them."""
    limits = settings.limits
    mine = replace(
        limits,
        upstream_requests_per_host=-(-limits.upstream_requests_per_host // workers),
        downloads=-(-limits.downloads // workers),
        spool=max(limits.zip, limits.spool // workers),
        memory_cache=limits.memory_cache // workers,
    )
    return replace(settings, limits=mine, workers=workers)

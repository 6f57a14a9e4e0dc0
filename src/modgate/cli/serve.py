"""`modgate serve`: the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modgate.settings.load import Sources


def serve(sources: Sources) -> int:
    """Run the gateway.

    SIGTERM drains and ends it; SIGHUP reopens log files and certificates.
    """
    from modgate.settings.load import load
    from modgate.settings.machine import require

    loaded = load(sources)
    require(loaded)

    # Only now: wrong settings are told before 30 MB of libraries are imported.
    from modgate.gateway import serve as run_gateway

    return run_gateway(loaded)

"""What the connections of one listener share, from the settings."""

from __future__ import annotations

import secrets

from modgate.gateway import values
from modgate.gateway.telling import Telling
from modgate.serve.cycle import App
from modgate.serve.edge import Edge
from modgate.serve.exchange import Reporter
from modgate.serve.proxies import TrustedProxies
from modgate.serve.table import Principals
from modgate.settings.model import Settings


def edge(settings: Settings, app: App, principals: Principals, reporter: Reporter, telling: Telling) -> Edge:
    """For `app`, whose ready answers lie in the tables of `principals`."""
    return Edge(
        app=app,
        principals=principals,
        reporter=reporter,
        proxies=TrustedProxies(settings.trusted_proxies),
        request_prefix=f"{secrets.token_hex(4)}-",
        log=telling.log.error,
        limits=values.wire(settings),
    )

"""`GET /api/upstreams` of the admin port: what is known of each upstream, for people and scripts.

Belongs here: its target and its form. Not here: what is known (the gateway hands over a function).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from modgate.serve.health import Page, page
from modgate.serve.response import JSON
from modgate.serve.target import Unserved

UPSTREAMS = "/api/upstreams"


async def upstreams_page(told: Callable[[], Awaitable[object]], rest: str) -> Page:
    """The document; `rest` is what follows UPSTREAMS.

    Raises:
        Unserved: there is nothing below it.
    """
    if rest not in ("", "/"):
        raise Unserved(UPSTREAMS + rest, "there is nothing below /api/upstreams")
    return page(200, JSON, json.dumps(await told(), indent=2, ensure_ascii=False).encode() + b"\n")

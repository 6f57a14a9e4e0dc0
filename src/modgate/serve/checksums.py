"""`GET /api/checksums/<module>@<version>` of the admin port: a record of our own checksum database, for people and
scripts.

Belongs here: its target and its form. Not here: what is known of a record (checksum/ownview.py).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from modgate.serve.health import Page, page
from modgate.serve.response import JSON
from modgate.serve.target import Unserved

CHECKSUMS = "/api/checksums/"

Find = Callable[[str, str], Awaitable[Mapping[str, Any] | None]]
"""What is recorded of a module path and version, as they stand in go.mod; None if nothing is."""


async def checksums_page(find: Find, rest: str) -> Page:
    """The document about `rest`, what follows CHECKSUMS.

    Raises:
        Unserved: it is not recorded.
        Unavailable: the log cannot be read.
    """
    path, at, version = rest.rpartition("@")
    found = await find(path, version) if at else None
    if found is None:
        why = "it is not in our own checksum database; what go commands look up is recorded; write <module>@<version>"
        raise Unserved(rest, why)
    return page(200, JSON, json.dumps(found, indent=2, ensure_ascii=False).encode() + b"\n")

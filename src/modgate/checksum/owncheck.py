"""A check of the cache: what our own log has recorded once is not contradicted by what the gateway stores later.

The store may be lost, and an upstream may have moved the tag since; the record is for ever, and whoever verifies with
it would refuse the new content anyway, with a worse text.
"""

from __future__ import annotations

from modgate.cache.evidence import Check, Complete
from modgate.checksum.claim import sums_in
from modgate.checksum.ownview import Rows
from modgate.errors import Corrupt


def as_recorded(name: str, rows: Rows) -> Check:
    """The check against the log of the database `name`. What it has not recorded passes.

    The check raises Corrupt where the log has another h1, and Unavailable where the log cannot be read.
    """

    async def check(complete: Complete) -> str:
        ask = complete.ask
        row = await rows.row(f"{ask.path}@{ask.version}")
        recorded = sums_in(row.text, ask.path, ask.version).get(ask.kind.value) if row is not None else None
        if recorded is not None and recorded != complete.h1:
            reason = f"is {complete.h1} now, and {name} has recorded {recorded} for ever"
            raise Corrupt(asked=str(ask), source=complete.source, reason=reason)
        return ""

    return check

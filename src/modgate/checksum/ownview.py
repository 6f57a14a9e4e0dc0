"""A record of our own log for people and scripts: what is signed, since when, and why it was recorded.

Belongs here: the document of `GET /api/checksums/<module>@<version>`. Not here: HTTP, the go command's own protocol.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any, Protocol

from modgate.checksum.claim import sums_in
from modgate.tlog.note import parse_note
from modgate.tlog.tree import parse_signed_head


class Row(Protocol):
    """A record as it is stored (storage/log.py)."""

    @property
    def number(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def evidence(self) -> str: ...


class Rows(Protocol):
    """Where it is stored."""

    async def row(self, name: str) -> Row | None: ...
    async def head(self) -> bytes | None: ...


async def shown(store: Rows, path: str, version: str) -> dict[str, Any] | None:
    """What is known of a module version, unescaped; None if it is not recorded, or not covered by a head yet.

    Raises:
        Unavailable: the log cannot be read.
    """
    note = await store.head()
    row = await store.row(f"{path}@{version}")
    head = parse_signed_head(note) if note is not None else None
    if row is None or note is None or head is None or row.number >= head.size:
        return None
    evidence = json.loads(row.evidence or "{}")
    sums = sums_in(row.text, path, version)
    return {
        "module": path,
        "version": version,
        "zip": sums.get("zip"),
        "mod": sums.get("mod"),
        "record": row.number,
        "recorded": _time(evidence.pop("recorded", None)),
        "evidence": _spelled(evidence),
        "head": {
            "size": head.size,
            "root": base64.b64encode(head.root).decode(),
            "signatures": [signature.line.strip() for signature in parse_note(note).signatures],
            "note": note.decode(),
        },
    }


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _spelled(evidence: dict[str, Any]) -> dict[str, Any]:
    """The public database's signed head as the text that it is."""
    if "head" in evidence:
        return {**evidence, "head": base64.b64decode(evidence["head"]).decode(errors="replace")}
    return evidence

"""The evidence that is kept with an artifact, as JSON: which record of which database it matched, or why none. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass

from modgate.cache.evidence import UNVERIFIED
from modgate.checksum.client import Verified


@dataclass(frozen=True, slots=True)
class Evidence:
    """That an artifact's h1 stands in a record that was proven to be in a database's log."""

    database: str
    record_id: int
    tree_size: int
    """Of the tree that the record was proven to be in, in records."""
    root: bytes
    """Of that tree; 32 bytes."""
    verified: float
    """When, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Excuse:
    """That an artifact was let through without proof."""

    database: str
    reason: str
    since: float
    """Seconds since the epoch."""


def begins(database: str) -> str:
    """How the evidence by this database begins, and no other."""
    return f'{{"database":{json.dumps(database)},'


def is_verified(evidence: str) -> bool:
    """Whether it names a record, of whichever database."""
    return evidence.startswith('{"database":')


def evidence_of(verified: Verified, database: str, now: float) -> str:
    """To be kept with an artifact that matches the record."""
    return _text(
        {
            "database": database,
            "record": verified.record_id,
            "tree": verified.tree_size,
            "root": base64.b64encode(verified.root).decode(),
            "verified": round(now, 3),
        }
    )


def excuse_of(database: str, reason: str, now: float) -> str:
    """To be kept with an artifact that could not be verified and is served all the same."""
    text = _text({"unverified": database, "reason": reason, "since": round(now, 3)})
    assert text.startswith(UNVERIFIED)
    return text


def read_evidence(text: str) -> Evidence | Excuse | None:
    """What an artifact's row says; None where it says nothing."""
    if not text:
        return None
    said = json.loads(text)
    if "unverified" in said:
        return Excuse(said["unverified"], said["reason"], said["since"])
    root = base64.b64decode(said["root"])
    return Evidence(said["database"], said["record"], said["tree"], root, said["verified"])


def _text(fields: Mapping[str, str | int | float]) -> str:
    return json.dumps(fields, separators=(",", ":"))

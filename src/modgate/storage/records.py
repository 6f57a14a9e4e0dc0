"""The rows, and what their store guarantees.

A `Records` store answers reads at once from the calling thread (a memory-mapped index or a local database:
microseconds) and makes a batch of writes durable together. Rows are keyed by namespace and by the protocol's own name
of the thing (`github.com/!azure/x/@v/v1.0.0.zip`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ArtifactRow:
    """What is known of one immutable file: the pin that its bytes have to match for ever."""

    namespace: str
    name: str
    size: int
    """Bytes."""
    sha256: str
    """Of the file, in hex."""
    h1: str
    """Of the content (protocol.md §4); "" for .info, which go.sum does not cover."""
    source: str
    """Where it came from, without credentials."""
    stored: float
    """When it was first seen, in seconds since the epoch."""
    evidence: str = ""
    """JSON of what the checks found; "" where none but form and length were made."""


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """The last good answer to a question whose answer may change."""

    namespace: str
    name: str
    body: bytes
    version: str
    source: str
    fetched: float
    """When the upstream gave it, in seconds since the epoch."""
    expired: bool = False
    """Something was seen that it should tell and does not: ask before it is used again."""


@dataclass(frozen=True, slots=True)
class Unpinned:
    """The row of an artifact goes: what it pinned was proven wrong."""

    namespace: str
    name: str
    h1: str
    """Of the row that goes; one with another h1 stays."""


Row = ArtifactRow | AnswerRow | Unpinned


class Records(Protocol):
    """Rows of one data directory. All reads are cheap and synchronous; all writes go through `write`."""

    def artifact(self, namespace: str, name: str) -> ArtifactRow | None: ...

    def answer(self, namespace: str, name: str) -> AnswerRow | None: ...

    def artifacts_with(self, namespace: str, evidence: str) -> list[ArtifactRow]:
        """All whose evidence begins so; reads every row of the namespace, so it is asked in a thread."""

    def write(self, rows: Iterable[Row]) -> None:
        """Make all of `rows` durable, or none; called from one thread only, which it may block.

        An artifact's row is written once: a later one with the same h1 may renew size and sha256 (two zips with one h1
        may differ in bytes) and bring evidence, one with another h1 changes nothing. Evidence is replaced by other
        evidence only, and never by none.

        Raises:
            OSError: the store cannot be written; nothing was.
        """

    def close(self) -> None: ...

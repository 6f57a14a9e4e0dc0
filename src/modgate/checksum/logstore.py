"""Where our own log is stored: records, their hashes and the published head, shared by processes.

The contract stands in tests/checksum/logstore_contract.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """A record and all that is stored with it."""

    name: str
    """What it is found by: `<module>@<version>`, unescaped. One record a name, for ever."""
    text: str
    hashes: tuple[bytes, ...]
    """What is appended to the stored hashes (tlog.hashes): that of the record, and those of what it completes."""
    evidence: str = ""
    """Why it was recorded; kept beside the record and no part of what is signed."""


class LogStore(Protocol):
    """Append-only rows, and one head that is compared and swapped. Every method may raise Unavailable; whether what it
    should have written was written is then not known."""

    async def size(self) -> int:
        """How many records are durable."""

    async def append(self, first: int, entries: Sequence[Entry]) -> bool:
        """Store records `first` … with all their hashes: durably when this returns True, all or none of them. False,
        and nothing is stored, if there are not exactly `first` records, or one of the names is there already."""

    async def number(self, name: str) -> int | None:
        """The number of the record of this name."""

    async def texts(self, first: int, count: int) -> list[str]:
        """The texts of records; fewer than `count` at the end."""

    async def hashes(self, indexes: Sequence[int]) -> list[bytes]:
        """Stored hashes by their indexes, in their order; all of them exist."""

    async def head(self) -> bytes | None:
        """The signed note that was published last."""

    async def publish(self, old: bytes | None, new: bytes) -> bool:
        """Make `new` the published head, durably, if `old` is it; False if something else is."""


class Witness(Protocol):
    """Storage that does not share our fate: it remembers the largest head that anybody may have seen."""

    async def read(self) -> bytes | None:
        """The signed note; None at the very beginning. Raises Unavailable."""

    async def write(self, old: bytes | None, new: bytes) -> bool:
        """Remember `new` durably if `old` is what is remembered; False if something else is. Raises Unavailable."""

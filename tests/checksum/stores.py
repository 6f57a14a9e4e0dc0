"""A LogStore and a Witness in memory that can fail at every step, before or after the step is done."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from modgate.checksum.logstore import Entry
from modgate.errors import Trouble, Unavailable


@dataclass
class Rows:
    """What outlives a process."""

    names: dict[str, int] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    head: bytes | None = None


@dataclass
class Faults:
    """Counts writes; the one with number `at` fails, after it was done if `done`."""

    at: int = -1
    done: bool = False
    writes: int = 0

    def before(self) -> bool:
        """Whether this write is to fail after it is done; it raises if it is to fail before."""
        self.writes += 1
        if self.writes - 1 != self.at:
            return False
        if not self.done:
            self.fail()
        return True

    def fail(self) -> None:
        raise Unavailable(reason="the disk went away", trouble=Trouble.OURS)


class MemoryStore:
    """Rows in memory."""

    def __init__(self, rows: Rows | None = None, faults: Faults | None = None) -> None:
        self.rows = rows or Rows()
        self.faults = faults or Faults()
        self.appends = 0

    async def size(self) -> int:
        await asyncio.sleep(0)
        return len(self.rows.texts)

    async def append(self, first: int, entries: Sequence[Entry]) -> bool:
        await asyncio.sleep(0)
        failing = self.faults.before()
        if first != len(self.rows.texts) or any(entry.name in self.rows.names for entry in entries):
            return False
        self.appends += 1
        for number, entry in enumerate(entries, first):
            self.rows.names[entry.name] = number
            self.rows.texts.append(entry.text)
            self.rows.hashes += entry.hashes
        if failing:
            self.faults.fail()
        return True

    async def number(self, name: str) -> int | None:
        await asyncio.sleep(0)
        return self.rows.names.get(name)

    async def texts(self, first: int, count: int) -> list[str]:
        await asyncio.sleep(0)
        return self.rows.texts[first : first + count]

    async def hashes(self, indexes: Sequence[int]) -> list[bytes]:
        await asyncio.sleep(0)
        return [self.rows.hashes[index] for index in indexes]

    async def head(self) -> bytes | None:
        await asyncio.sleep(0)
        return self.rows.head

    async def publish(self, old: bytes | None, new: bytes) -> bool:
        await asyncio.sleep(0)
        failing = self.faults.before()
        if self.rows.head != old:
            return False
        self.rows.head = new
        if failing:
            self.faults.fail()
        return True


class MemoryWitness:
    """One head in memory."""

    def __init__(self, faults: Faults | None = None, note: bytes | None = None) -> None:
        self.note = note
        self.faults = faults or Faults()
        self.is_down = False

    async def read(self) -> bytes | None:
        await asyncio.sleep(0)
        if self.is_down:
            self.faults.fail()
        return self.note

    async def write(self, old: bytes | None, new: bytes) -> bool:
        await asyncio.sleep(0)
        failing = self.faults.before()
        if self.note != old:
            return False
        self.note = new
        if failing:
            self.faults.fail()
        return True

"""Ops on this machine: a database reached by its ways, its files in the pass-through's own place, its head in a cell.

What clients had relayed is used too, and is believed as little as what comes from outside: client.py verifies it.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from modgate.checksum.beside import Beside
from modgate.checksum.databases import identity_of
from modgate.errors import Corrupt, Malformed, Trouble, Unavailable
from modgate.observe.events import Events
from modgate.storage.namespace import Namespace
from modgate.storage.records import ArtifactRow

T = TypeVar("T")

VERIFIED = "verified"
"""The source of a file that the verifying client kept: several ways may have brought what proves it."""


def head_cell(database: str) -> str:
    """The name of the cell of a database's remembered head."""
    return f"head/{database}"


class KeptOps:
    """Satisfies checksum.ops.Ops."""

    def __init__(
        self,
        database: str,
        ways: Reach,
        store: Namespace,
        cells: Remembered,
        events: Events,
        *,
        most: int,
        elsewhere: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`most` bounds one file in bytes; `elsewhere` is another directory of databases to read from."""
        self._database = database
        self._ways = ways
        self._store = store
        self._cells = cells
        self._events = events
        self._most = most
        self._beside = Beside(elsewhere, database)
        self._clock = clock

    async def fetch(self, name: str, use: Callable[[bytes, str], T]) -> T:
        def judged(data: bytes, way: str) -> T:
            try:
                return use(data, way)
            except Corrupt as error:
                self._events.emit("corrupt_answer", asked=error.asked, source=way, reason=error.reason)
                raise

        return await self._ways.fetch(name, self._most, judged, beyond_lies=True)

    async def kept(self, name: str) -> bytes | None:
        read = self._store.tree.read(self._store.name, name, self._most)
        if read is not None:
            return read[0]
        return self._beside.read(name, self._most)

    async def keep(self, name: str, data: bytes) -> None:
        if not self._store.tree.holds(name):
            raise Unavailable(asked=f"{self._database} {name}", reason="has a longer name than any file may have")
        async with self._store.hold(name):
            row = self._row(name, data)
            pin = self._store.pin(name)
            if pin is not None and pin.sha256 == row.sha256 and self._is_kept(name, data):
                return
            if pin is not None and pin.h1 != row.h1:
                self._events.emit("unproven_file", asked=f"{self._database} {name}")
                # If we die here, the file is without a pin, as one that came from outside.
                await self._store.unpin(pin)
            await self._store.put_small(row, data)
            self._changed(name)

    def _is_kept(self, name: str, data: bytes) -> bool:
        read = self._store.tree.read(self._store.name, name, self._most)
        return read is not None and read[0] == data

    async def drop(self, name: str) -> None:
        async with self._store.hold(name):
            identity = self._store.tree.identity(self._store.name, name)
            if identity is None:
                return
            self._events.emit("unproven_file", asked=f"{self._database} {name}")
            self._store.quarantine(name, identity.inode)
            pin = self._store.pin(name)
            if pin is not None:
                await self._store.unpin(pin)
            self._changed(name)

    async def head(self) -> bytes | None:
        try:
            return self._cells.get(head_cell(self._database))
        except OSError as error:
            raise self._store.health.failed(error) from error

    async def advance(self, old: bytes | None, new: bytes) -> bool:
        try:
            return await asyncio.to_thread(self._cells.swap, head_cell(self._database), old, new)
        except OSError as error:
            raise self._store.health.failed(error) from error

    def _changed(self, name: str) -> None:
        self._store.changed(f"{self._database}/{name}")

    def _row(self, name: str, data: bytes) -> ArtifactRow:
        digest = hashlib.sha256(data).hexdigest()
        try:
            h1 = identity_of(name, data)
        except Malformed:
            h1 = digest
        return ArtifactRow(self._store.name, name, len(data), digest, h1, VERIFIED, self._clock())


class Remembered(Protocol):
    """Where the head is remembered (storage/cells.py). Both raise OSError."""

    def get(self, name: str) -> bytes | None: ...
    def swap(self, name: str, old: bytes | None, new: bytes) -> bool: ...


class Unremembered:
    """For who begins with nothing, as a go command does that has just been installed."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        return self._values.get(name)

    def swap(self, name: str, old: bytes | None, new: bytes) -> bool:
        if self.get(name) != old:
            return False
        self._values[name] = new
        return True


class Reach(Protocol):
    """How files of a database are come by: ways.py, or nothing at all."""

    async def fetch(self, name: str, most: int, use: Callable[[bytes, str], T], *, beyond_lies: bool = False) -> T: ...


class NoWays:
    """For who shall ask nobody: what is kept has to do."""

    def __init__(self, database: str) -> None:
        self._database = database

    async def fetch(self, name: str, most: int, use: Callable[[bytes, str], T], *, beyond_lies: bool = False) -> T:
        """Nothing.

        Raises:
            Unavailable: always; nobody is asked.
        """
        reason = "is not kept here, and nobody was asked"
        raise Unavailable(asked=f"{self._database} {name}", reason=reason, trouble=Trouble.OURS)

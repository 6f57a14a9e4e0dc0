"""Values that change by compare-and-swap, shared by all processes on one data directory: signed heads, what an operator
decided. A swap is durable when it returns (1 ms on a fast disk) and is meant for a thread.

A look takes a microsecond: what was read is remembered until the cell's generation moves (storage/generations.py).
Whoever swaps moves it last; if it dies before that, others see the new value BELIEVED seconds later.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from modgate.storage.generations import Generations
from modgate.storage.sqlite import connect

BELIEVED = 1.0
"""Seconds for which a value is believed without a look into the database, which costs 20 to 80 µs: each cold file asks
three times whether its checksum database is still believed."""

READ = "SELECT value FROM cells WHERE name = ?"
PUT_FIRST = "INSERT INTO cells (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
PUT_NEXT = "UPDATE cells SET value = ? WHERE name = ? AND value = ?"
NAMESPACE = "cells"
"""Of their generation slots; a slot that is shared with a module costs a look."""
FORGET = "DELETE FROM cells WHERE name = ? AND value = ?"


class Cells:
    """Those of one data directory, whose records have been opened before."""

    def __init__(self, file: Path, generations: Generations, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives monotonic seconds."""
        self._file = file
        self._generations = generations
        self._clock = clock
        self._reader: sqlite3.Connection | None = None
        self._reading = threading.Lock()
        self._seen: dict[str, tuple[bytes | None, tuple[int, int], float]] = {}
        """Values by their names, with the stamp under which they were read, and until when they are believed."""

    def get(self, name: str) -> bytes | None:
        """The value; None if it was never set.

        Raises:
            OSError: it cannot be read.
        """
        stamp, now = self._generations.stamp(NAMESPACE, name), self._clock()
        value, under, until = self._seen.get(name, (None, (0, 0), 0.0))
        if under != stamp or now >= until:
            value = self._read(name)
            self._seen[name] = value, stamp, now + BELIEVED
        return value

    def _read(self, name: str) -> bytes | None:
        try:
            with self._reading:
                self._reader = self._reader or connect(self._file)
                row = self._reader.execute(READ, (name,)).fetchone()
        except sqlite3.Error as error:
            raise OSError(f"records: {error}") from error
        return None if row is None else bytes(row[0])

    def swap(self, name: str, old: bytes | None, new: bytes) -> bool:
        """Set the value durably if it is `old` now (None: never set); False if it is something else.

        Raises:
            OSError: it cannot be written.
        """
        try:
            with closing(connect(self._file)) as connection:
                if old is None:
                    done = connection.execute(PUT_FIRST, (name, new))
                else:
                    done = connection.execute(PUT_NEXT, (new, name, old))
        except sqlite3.Error as error:
            raise OSError(f"records: {error}") from error
        return self._changed(name, done)

    def forget(self, name: str, old: bytes) -> bool:
        """Durably unset the value if it is `old` now; False if it is something else.

        Raises:
            OSError: it cannot be written.
        """
        try:
            with closing(connect(self._file)) as connection:
                done = connection.execute(FORGET, (name, old))
        except sqlite3.Error as error:
            raise OSError(f"records: {error}") from error
        return self._changed(name, done)

    def _changed(self, name: str, done: sqlite3.Cursor) -> bool:
        """Whether it did, which all processes see from now on. Who lost has seen an old value, and is to look again."""
        self._generations.bump(self._generations.slot(NAMESPACE, name))
        return done.rowcount == 1

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

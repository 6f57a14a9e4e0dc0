"""Values that change by compare-and-swap, shared by all processes on one data directory: signed heads, what an operator
decided. A swap is durable when it returns (1 ms on a fast disk) and is meant for a thread; a look takes microseconds.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from modgate.storage.sqlite import connect

READ = "SELECT value FROM cells WHERE name = ?"
PUT_FIRST = "INSERT INTO cells (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
PUT_NEXT = "UPDATE cells SET value = ? WHERE name = ? AND value = ?"
FORGET = "DELETE FROM cells WHERE name = ? AND value = ?"


class Cells:
    """Those of one data directory, whose records have been opened before."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._reader: sqlite3.Connection | None = None
        self._reading = threading.Lock()

    def get(self, name: str) -> bytes | None:
        """The value; None if it was never set.

        Raises:
            OSError: it cannot be read.
        """
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
                return done.rowcount == 1
        except sqlite3.Error as error:
            raise OSError(f"records: {error}") from error

    def forget(self, name: str, old: bytes) -> bool:
        """Durably unset the value if it is `old` now; False if it is something else.

        Raises:
            OSError: it cannot be written.
        """
        try:
            with closing(connect(self._file)) as connection:
                return connection.execute(FORGET, (name, old)).rowcount == 1
        except sqlite3.Error as error:
            raise OSError(f"records: {error}") from error

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

"""Our own log in a SQLite file of its own: records, the hashes of its tree, and the head that was published last.

It is not part of records.db: what that holds can be found again, and this cannot. WAL mode and synchronous=FULL as
there: what has returned outlives the machine's power, and of an append all is there or nothing. Reads take some
microseconds in the calling thread; writes wait for the disk, so they run in another one.

Belongs here: rows and transactions. Not here: what is recorded, signed and in which order (checksum/log.py).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from modgate.errors import SetupError, Trouble, Unavailable
from modgate.storage.locks import opening

T = TypeVar("T")

FORM = 1
"""Of the tables below; a newer modgate that changes them counts on."""
BUSY_SECONDS = 10.0
"""How long a write waits for another process's: a batch of a thousand records takes 20 ms."""
AT_ONCE = 500
"""Hashes that one query names: SQLite takes 32,766 parameters, old builds 999."""

TABLES = (
    # A number is used once: rows are never removed, and every append names the number that it begins with.
    """CREATE TABLE records
    (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, text TEXT NOT NULL, evidence TEXT NOT NULL)""",
    "CREATE TABLE hashes (place INTEGER PRIMARY KEY, hash BLOB NOT NULL)",
    "CREATE TABLE heads (id INTEGER PRIMARY KEY CHECK (id = 0), note BLOB NOT NULL)",
    f"PRAGMA user_version = {FORM}",
)


class Recorded(Protocol):
    """A record with all that is stored with it (checksum/logstore.py)."""

    @property
    def name(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def hashes(self) -> tuple[bytes, ...]: ...
    @property
    def evidence(self) -> str: ...


@dataclass(frozen=True, slots=True)
class LogRow:
    """One record as it is stored."""

    number: int
    text: str
    evidence: str


def _nothing(arrow: str) -> None:
    """What happens at an arrow outside of the crash tests."""


class SqliteLog:
    """`checksum.logstore.LogStore` on one file, shared by any number of processes of one machine."""

    def __init__(self, file: Path, arrow: Callable[[str], None] = _nothing) -> None:
        """Open the log; make it where there is none. `arrow` is called with the name of the step of a write that is
        over; crash tests die there.

        Raises:
            SetupError: it cannot be opened, or was made by a newer modgate.
        """
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with opening(file.parent):
                self._reader = _connect(file)
                self._writer = _connect(file)
                form = _prepare(self._writer)
        except (sqlite3.Error, OSError) as error:
            problem = f"our own log {file} cannot be used ({error})"
            raise SetupError("data", problem, "give permissions, or restore it from the newest copy") from error
        if form > FORM:
            raise SetupError("data", f"{file} was made by a newer modgate", "upgrade modgate")
        self._reader.execute("PRAGMA query_only = 1")
        # One thread, so that writes come one after the other, and close waits for the last of them.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="own-log")
        self._arrow = arrow

    async def size(self) -> int:
        return int(self._one("SELECT coalesce(max(number) + 1, 0) FROM records")[0])

    async def number(self, name: str) -> int | None:
        row = self._one("SELECT number FROM records WHERE name = ?", name)
        return None if row is None else int(row[0])

    async def texts(self, first: int, count: int) -> list[str]:
        query = "SELECT text FROM records WHERE number >= ? AND number < ? ORDER BY number"
        return [row[0] for row in self._all(query, first, first + count)]

    async def hashes(self, indexes: Sequence[int]) -> list[bytes]:
        found: dict[int, bytes] = {}
        for start in range(0, len(indexes), AT_ONCE):
            some = indexes[start : start + AT_ONCE]
            marks = ",".join("?" * len(some))
            found |= dict(self._all(f"SELECT place, hash FROM hashes WHERE place IN ({marks})", *some))  # noqa: S608
        lost = next((index for index in indexes if index not in found), None)
        if lost is not None:
            raise Unavailable(reason=f"our own log has lost the hash at place {lost}", trouble=Trouble.OURS)
        return [found[index] for index in indexes]

    async def head(self) -> bytes | None:
        row = self._one("SELECT note FROM heads")
        return None if row is None else bytes(row[0])

    async def row(self, name: str) -> LogRow | None:
        """All that is stored with a record; None if there is none of this name."""
        row = self._one("SELECT number, text, evidence FROM records WHERE name = ?", name)
        return None if row is None else LogRow(*row)

    async def append(self, first: int, entries: Sequence[Recorded]) -> bool:
        def write() -> bool:
            (size,) = self._writer.execute("SELECT coalesce(max(number) + 1, 0) FROM records").fetchone()
            if size != first:
                return False
            rows = [(number, one.name, one.text, one.evidence) for number, one in enumerate(entries, first)]
            try:
                self._writer.executemany("INSERT INTO records VALUES (?, ?, ?, ?)", rows)
            except sqlite3.IntegrityError:
                return False  # one of the names is there already
            (place,) = self._writer.execute("SELECT coalesce(max(place) + 1, 0) FROM hashes").fetchone()
            flat = [one for entry in entries for one in entry.hashes]
            self._writer.executemany("INSERT INTO hashes VALUES (?, ?)", enumerate(flat, place))
            return True

        return await self._write(write)

    async def publish(self, old: bytes | None, new: bytes) -> bool:
        def write() -> bool:
            row = self._writer.execute("SELECT note FROM heads").fetchone()
            if (None if row is None else row[0]) != old:
                return False
            self._writer.execute("INSERT OR REPLACE INTO heads VALUES (0, ?)", (new,))
            return True

        return await self._write(write)

    def close(self) -> None:
        """Whatever is being written comes to its end first."""
        self._thread.shutdown()
        self._reader.close()
        self._writer.close()

    async def _write(self, write: Callable[[], bool]) -> bool:
        """Run `write` in a transaction, which holds if it returns True.

        It goes on when whoever waits is cancelled, who then does not know whether it was written.
        """
        written = asyncio.get_running_loop().run_in_executor(self._thread, self._transaction, write)
        try:
            return await asyncio.shield(written)
        except (sqlite3.Error, OSError) as error:
            raise _unavailable(error) from error

    def _transaction(self, write: Callable[[], bool]) -> bool:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            done = write()
            self._arrow("written")  # if we die here: nothing happened
            self._writer.execute("COMMIT" if done else "ROLLBACK")
            self._arrow("committed")  # all of it is there, and nobody has been told
        except BaseException:
            if self._writer.in_transaction:
                with suppress(sqlite3.Error):  # some errors have rolled back already
                    self._writer.execute("ROLLBACK")
            raise
        return done

    def _one(self, query: str, *values: object) -> Any:
        return self._read(lambda: self._reader.execute(query, values).fetchone())

    def _all(self, query: str, *values: object) -> list[Any]:
        return self._read(lambda: self._reader.execute(query, values).fetchall())

    def _read(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except sqlite3.Error as error:
            raise _unavailable(error) from error


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _prepare(connection: sqlite3.Connection) -> int:
    """Make the tables where there are none; of two processes that come at once the second finds them."""
    connection.execute("BEGIN IMMEDIATE")
    (form,) = connection.execute("PRAGMA user_version").fetchone()
    if form == 0:
        for statement in TABLES:
            connection.execute(statement)
        form = FORM
    connection.execute("COMMIT")
    return int(form)


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(reason=f"our own log cannot be used ({error})", trouble=Trouble.OURS, retry_after=5.0)

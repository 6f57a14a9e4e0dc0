"""Records in SQLite: the default, for any number of processes on one machine.

WAL mode, so that readers never wait for the writer; synchronous=FULL, because a row that has been promised must outlive
the machine's power. Reads take 4.5 µs in the calling thread.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

from modgate.errors import SetupError
from modgate.storage.locks import opening
from modgate.storage.records import AnswerRow, ArtifactRow, Row, Unpinned

NEWEST = "0002"
"""The newest migration; a test compares it with storage/migrations/versions."""

BUSY_SECONDS = 10.0
"""How long a write waits for another process's: a batch takes milliseconds."""

ARTIFACT = "SELECT size, sha256, h1, source, stored, evidence FROM artifacts WHERE namespace = ? AND name = ?"
ANSWER = "SELECT body, version, source, fetched, expired FROM answers WHERE namespace = ? AND name = ?"
PUT_ARTIFACT = """
INSERT INTO artifacts (namespace, name, size, sha256, h1, source, stored, evidence) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (namespace, name) DO UPDATE SET size = excluded.size, sha256 = excluded.sha256, source = excluded.source,
evidence = CASE excluded.evidence WHEN '' THEN artifacts.evidence ELSE excluded.evidence END
WHERE artifacts.h1 = excluded.h1
"""
UNPIN = "DELETE FROM artifacts WHERE namespace = ? AND name = ? AND h1 = ?"
WITH_EVIDENCE = """
SELECT name, size, sha256, h1, source, stored, evidence FROM artifacts
WHERE namespace = ? AND substr(evidence, 1, length(?)) = ?
"""
PUT_ANSWER = """
INSERT INTO answers (namespace, name, body, version, source, fetched, expired) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (namespace, name) DO UPDATE SET body = excluded.body, version = excluded.version, source = excluded.source,
fetched = excluded.fetched, expired = excluded.expired
WHERE excluded.fetched >= answers.fetched OR answers.fetched > excluded.fetched + 600
"""
"""The newer answer stays; but one from ten minutes ahead, longer than any ask takes, was written by a clock that was
wrong: while it stayed, every ask would go outside."""


class SqliteRecords:
    """`Records` on one file."""

    def __init__(self, file: Path) -> None:
        """Open the database; make it, or bring it to the newest schema, first.

        Raises:
            SetupError: it cannot be opened, is damaged, or was made by a newer modgate.
        """
        self._file = file
        try:
            with opening(file.parent):
                _prepare(file)
                self._reader = connect(file)
                self._reader.execute("PRAGMA query_only = 1")
                self._writer = connect(file)
        except (sqlite3.Error, subprocess.CalledProcessError, OSError) as error:
            problem = f"{file} cannot be used ({_line(error)})"
            raise SetupError("data", problem, "repair or remove it: everything but pins is found again") from error

    def artifact(self, namespace: str, name: str) -> ArtifactRow | None:
        row = self._read(ARTIFACT, namespace, name)
        return ArtifactRow(namespace, name, *row) if row else None

    def answer(self, namespace: str, name: str) -> AnswerRow | None:
        row = self._read(ANSWER, namespace, name)
        return AnswerRow(namespace, name, row[0], row[1], row[2], row[3], bool(row[4])) if row else None

    def artifacts_with(self, namespace: str, evidence: str) -> list[ArtifactRow]:
        try:
            connection = connect(self._file)
            try:
                found = connection.execute(WITH_EVIDENCE, (namespace, evidence, evidence)).fetchall()
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise OSError(f"records: {_line(error)}") from error
        return [ArtifactRow(namespace, *row) for row in found]

    def _read(self, query: str, namespace: str, name: str) -> Any:
        try:
            return self._reader.execute(query, (namespace, name)).fetchone()
        except sqlite3.Error as error:
            raise OSError(f"records: {_line(error)}") from error

    def write(self, rows: Iterable[Row]) -> None:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            for row in rows:
                self._put(row)
            self._writer.execute("COMMIT")
        except sqlite3.Error as error:
            if self._writer.in_transaction:
                with suppress(sqlite3.Error):  # some errors have rolled back already
                    self._writer.execute("ROLLBACK")
            raise OSError(f"records: {_line(error)}") from error

    def _put(self, row: Row) -> None:
        match row:
            case Unpinned():
                self._writer.execute(UNPIN, (row.namespace, row.name, row.h1))
            case ArtifactRow():
                values = (row.size, row.sha256, row.h1, row.source, row.stored, row.evidence)
                self._writer.execute(PUT_ARTIFACT, (row.namespace, row.name, *values))
            case AnswerRow():
                answer = (row.body, row.version, row.source, row.fetched, row.expired)
                self._writer.execute(PUT_ANSWER, (row.namespace, row.name, *answer))

    def close(self) -> None:
        self._reader.close()
        self._writer.close()


def connect(file: Path) -> sqlite3.Connection:
    """A connection as all of ours are: WAL, and durable when it says so."""
    connection = sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _prepare(file: Path) -> None:
    """Make a new database by its script, or migrate an old one in a child.

    The script runs in one transaction: whoever dies in it leaves an empty database.
    """
    connection = connect(file)
    try:
        connection.execute("BEGIN IMMEDIATE")
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            for statement in resources.files("modgate.storage").joinpath("schema.sql").read_text().split(";"):
                connection.execute(statement)
        version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.execute("COMMIT")
    finally:
        connection.close()
    if version and version[0] > NEWEST:
        raise SetupError(
            "data", f"{file} was made by a newer modgate", "upgrade modgate, or name another data directory"
        )
    if not version or version[0] != NEWEST:
        child = [sys.executable, "-m", "modgate.storage.migrate", str(file)]
        subprocess.run(child, check=True, capture_output=True, text=True, timeout=600)


def _line(error: Exception) -> str:
    text = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
    return str(text).strip().splitlines()[-1] if str(text).strip() else type(error).__name__

"""The log's file: what it promised is there, whoever else writes it and however it ended."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from modgate.errors import SetupError, Unavailable
from modgate.storage.log import SqliteLog
from tests.checksum.logstore_contract import LogStoreContract, entries


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log" / "log.db"


@pytest.fixture
def store(file: Path) -> Iterator[SqliteLog]:
    with closing(SqliteLog(file)) as log:
        yield log


class TestSqliteLog(LogStoreContract):
    """In a file."""


async def test_what_is_known_of_a_record_stands_beside_it(store: SqliteLog) -> None:
    assert await store.append(0, entries("a"))
    row = await store.row("a")
    assert row is not None
    assert (row.number, row.text, row.evidence) == (0, "text of 0\n", "")
    assert await store.row("b") is None


async def test_two_processes_see_the_same_and_one_of_them_wins(store: SqliteLog, file: Path) -> None:
    with closing(SqliteLog(file)) as other:
        won = await asyncio.gather(store.append(0, entries("a")), other.append(0, entries("b")))
        assert sorted(won) == [False, True]
        assert await other.size() == await store.size() == 1
        assert await store.publish(None, b"head")
        assert await other.head() == b"head"
        assert not await other.publish(None, b"another")


async def test_it_is_all_there_after_a_restart(file: Path) -> None:
    with closing(SqliteLog(file)) as before:
        assert await before.append(0, entries(*"abcdefg"))
    with closing(SqliteLog(file)) as after:
        assert await after.size() == 7
        assert await after.number("g") == 6
        assert len(await after.hashes(range(11))) == 11


async def test_more_hashes_than_one_query_takes_are_found(store: SqliteLog) -> None:
    assert await store.append(0, entries(*map(str, range(1500))))
    assert len(await store.hashes(range(1400))) == 1400


async def test_a_lost_hash_is_trouble_and_no_answer(store: SqliteLog, file: Path) -> None:
    assert await store.append(0, entries("a", "b"))
    with closing(sqlite3.connect(file)) as damage:
        damage.execute("DELETE FROM hashes WHERE place = 1")
        damage.commit()
    with pytest.raises(Unavailable, match="lost the hash at place 1"):
        await store.hashes([0, 1])


async def test_a_file_that_cannot_be_written_is_unavailable(store: SqliteLog, file: Path) -> None:
    with closing(sqlite3.connect(file)) as damage:
        damage.execute("DROP TABLE hashes")
        damage.commit()
    with pytest.raises(Unavailable, match="our own log cannot be used"):
        await store.append(0, entries("a"))
    assert await store.size() == 0


def test_a_file_that_is_no_log_or_a_newer_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "junk").write_bytes(b"x" * 8192)
    with pytest.raises(SetupError, match="cannot be used"):
        SqliteLog(tmp_path / "junk")
    with closing(sqlite3.connect(tmp_path / "newer")) as newer:
        newer.execute("PRAGMA user_version = 2")
    with pytest.raises(SetupError, match="newer modgate"):
        SqliteLog(tmp_path / "newer")

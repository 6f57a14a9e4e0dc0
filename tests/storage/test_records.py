"""What every store of rows guarantees."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from modgate.errors import SetupError
from modgate.storage import migrations
from modgate.storage.records import AnswerRow, ArtifactRow, Records, Unpinned
from modgate.storage.sqlite import NEWEST, SqliteRecords

PIN = ArtifactRow("public", "example.com/m/@v/v1.0.0.zip", 10, "sha", "h1:a=", "https://a.example", 1.5)
ANSWER = AnswerRow("public", "example.com/m/@v/list", b"v1.0.0\n", "", "https://a.example", 100.0)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    records = SqliteRecords(tmp_path / "records.db")
    yield records
    records.close()


def test_what_was_written_is_read(records: Records) -> None:
    records.write([PIN, ANSWER])
    assert records.artifact("public", PIN.name) == PIN
    assert records.answer("public", ANSWER.name) == ANSWER


def test_namespaces_do_not_see_each_other(records: Records) -> None:
    records.write([PIN, ANSWER])
    assert records.artifact("private", PIN.name) is None
    assert records.answer("private", ANSWER.name) is None


def test_the_first_h1_wins_for_ever(records: Records) -> None:
    records.write([PIN])
    records.write([replace(PIN, h1="h1:other=", sha256="other")])
    assert records.artifact("public", PIN.name) == PIN


def test_other_bytes_with_the_same_h1_renew_the_digest_and_keep_the_first_sight(records: Records) -> None:
    records.write([PIN])
    records.write([replace(PIN, sha256="renewed", size=11, stored=99.0)])
    assert records.artifact("public", PIN.name) == replace(PIN, sha256="renewed", size=11)


def test_evidence_is_replaced_by_evidence_only(records: Records) -> None:
    records.write([PIN])
    records.write([replace(PIN, evidence="one")])
    records.write([PIN])
    assert records.artifact("public", PIN.name) == replace(PIN, evidence="one")
    records.write([replace(PIN, evidence="two")])
    assert records.artifacts_with("public", "tw") == [replace(PIN, evidence="two")]
    assert records.artifacts_with("public", "one") == records.artifacts_with("private", "two") == []


def test_a_pin_that_was_proven_wrong_goes(records: Records) -> None:
    records.write([PIN])
    records.write([Unpinned("public", PIN.name, "h1:other=")])
    assert records.artifact("public", PIN.name) == PIN
    records.write([Unpinned("public", PIN.name, PIN.h1), replace(PIN, h1="h1:other=")])
    assert records.artifact("public", PIN.name) == replace(PIN, h1="h1:other=")


def test_an_older_answer_never_replaces_a_newer_one(records: Records) -> None:
    records.write([ANSWER])
    records.write([replace(ANSWER, body=b"old\n", fetched=50.0)])
    assert records.answer("public", ANSWER.name) == ANSWER


def test_an_answer_from_a_clock_that_was_an_hour_ahead_is_replaced(records: Records) -> None:
    records.write([replace(ANSWER, fetched=ANSWER.fetched + 3600)])
    records.write([ANSWER])
    assert records.answer("public", ANSWER.name) == ANSWER


def test_another_process_sees_what_was_written(tmp_path: Path) -> None:
    mine, other = SqliteRecords(tmp_path / "records.db"), SqliteRecords(tmp_path / "records.db")
    mine.write([PIN])
    assert other.artifact("public", PIN.name) == PIN
    mine.close()
    other.close()


def test_the_newest_migration_is_the_one_that_is_expected() -> None:
    versions = sorted(path.name for path in (Path(migrations.__file__).parent / "versions").glob("[0-9]*.py"))
    assert versions[-1].startswith(NEWEST)


def test_the_script_makes_what_the_migrations_make(tmp_path: Path) -> None:
    SqliteRecords(tmp_path / "script.db").close()
    migrate = [sys.executable, "-m", "modgate.storage.migrate", str(tmp_path / "migrated.db")]
    subprocess.run(migrate, check=True, timeout=120, capture_output=True)
    assert shape(tmp_path / "script.db") == shape(tmp_path / "migrated.db")


def shape(file: Path) -> object:
    """All tables with their columns, types, defaults and keys, and the schema version."""
    connection = sqlite3.connect(file)
    try:
        tables = [
            row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        columns = {table: connection.execute(f"PRAGMA table_info({table})").fetchall() for table in tables}
        rowid = sorted(connection.execute("PRAGMA table_list").fetchall())
        return columns, rowid, connection.execute("SELECT version_num FROM alembic_version").fetchall()
    finally:
        connection.close()


def test_a_database_of_a_newer_modgate_is_refused(tmp_path: Path) -> None:
    SqliteRecords(tmp_path / "records.db").close()
    connection = sqlite3.connect(tmp_path / "records.db")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(SetupError, match="newer modgate"):
        SqliteRecords(tmp_path / "records.db")


def test_a_file_that_is_no_database_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "records.db").write_bytes(b"not a database, but long enough to be taken for one" * 100)
    with pytest.raises(SetupError, match="repair or remove"):
        SqliteRecords(tmp_path / "records.db")

"""One thread commits whatever waits, and one that fails does not stop the others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from modgate.storage.commit import Commits, Move
from modgate.storage.records import AnswerRow, ArtifactRow, Row
from modgate.storage.sqlite import SqliteRecords


@pytest.fixture
def records(tmp_path: Path) -> Iterator[SqliteRecords]:
    records = SqliteRecords(tmp_path / "records.db")
    yield records
    records.close()


def a_row(name: str) -> ArtifactRow:
    return ArtifactRow("public", name, 1, "sha", "h1", "test", 1.0)


async def test_a_hundred_files_are_committed_together(tmp_path: Path, records: SqliteRecords) -> None:
    commits = Commits(records)
    for number in range(100):
        (tmp_path / f"{number}.tmp").write_bytes(b"x")
    moves = [Move(str(tmp_path / f"{number}.tmp"), str(tmp_path / f"tree/{number}/file")) for number in range(100)]
    await asyncio.gather(*(commits.commit(a_row(f"m{number}"), move) for number, move in enumerate(moves)))
    commits.close()
    assert all(Path(move.target).read_bytes() == b"x" for move in moves)
    assert all(records.artifact("public", f"m{number}") for number in range(100))


async def test_a_file_that_is_gone_fails_alone(tmp_path: Path, records: SqliteRecords) -> None:
    commits = Commits(records)
    (tmp_path / "good").write_bytes(b"x")
    good = commits.commit(a_row("good"), Move(str(tmp_path / "good"), str(tmp_path / "tree/good")))
    bad = commits.commit(a_row("bad"), Move(str(tmp_path / "gone/bad"), str(tmp_path / "tree/bad"), b"x"))
    results = await asyncio.gather(good, bad, return_exceptions=True)
    commits.close()
    assert results[0] is None
    assert isinstance(results[1], OSError)
    assert records.artifact("public", "bad") is None
    assert (tmp_path / "tree/good").exists()


class Full:
    """Records on a full disk."""

    def artifact(self, namespace: str, name: str) -> ArtifactRow | None:
        return None

    def answer(self, namespace: str, name: str) -> AnswerRow | None:
        return None

    def artifacts_with(self, namespace: str, evidence: str) -> list[ArtifactRow]:
        return []

    def write(self, rows: Iterable[Row]) -> None:
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        pass


async def test_nothing_becomes_visible_when_its_row_cannot_be_written(tmp_path: Path) -> None:
    commits = Commits(Full())
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(OSError, match="No space left"):
        await commits.commit(a_row("m"), Move(str(tmp_path / "file"), str(tmp_path / "tree/file")))
    commits.close()
    assert not (tmp_path / "tree").exists()

"""Cells change by compare-and-swap, for all processes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from modgate.storage.cells import BELIEVED, Cells
from modgate.storage.generations import Generations
from modgate.storage.sqlite import SqliteRecords


@pytest.fixture
def file(tmp_path: Path) -> Path:
    SqliteRecords(tmp_path / "records.db").close()
    return tmp_path / "records.db"


@pytest.fixture
def generations(file: Path) -> Iterator[Generations]:
    generations = Generations(file.with_name("generations"))
    yield generations
    generations.close()


@pytest.fixture
def cells(file: Path, generations: Generations) -> Iterator[Cells]:
    cells = Cells(file, generations)
    yield cells
    cells.close()


def test_a_cell_is_empty_until_it_is_set(cells: Cells) -> None:
    assert cells.get("a") is None
    assert not cells.swap("a", b"something", b"one")
    assert cells.swap("a", None, b"one")
    assert (cells.get("a"), cells.get("b")) == (b"one", None)


def test_it_changes_from_what_it_is_only(cells: Cells) -> None:
    assert cells.swap("a", None, b"one")
    assert not cells.swap("a", None, b"two")
    assert not cells.swap("a", b"zero", b"two")
    assert cells.swap("a", b"one", b"two")
    assert cells.get("a") == b"two"


def test_what_it_is_may_be_forgotten(cells: Cells) -> None:
    assert not cells.forget("a", b"one")
    cells.swap("a", None, b"one")
    assert not cells.forget("a", b"zero")
    assert cells.forget("a", b"one")
    assert cells.get("a") is None
    assert cells.swap("a", None, b"two")


def test_another_process_sees_it(file: Path, cells: Cells) -> None:
    generations = Generations(file.with_name("generations"))
    other = Cells(file, generations)
    assert other.get("a") is None
    cells.swap("a", None, b"one")
    assert other.get("a") == b"one"
    cells.swap("a", b"one", b"two")
    assert other.get("a") == b"two"
    cells.forget("a", b"two")
    assert other.get("a") is None
    other.close()
    generations.close()


def test_one_who_dies_before_it_tells_is_seen_a_second_later(file: Path, generations: Generations) -> None:
    now = [100.0]
    cells = Cells(file, generations, clock=lambda: now[0])
    assert cells.get("a") is None
    elsewhere = Generations(file.with_name("other generations"))
    dying = Cells(file, elsewhere)
    dying.swap("a", None, b"one")
    assert cells.get("a") is None, "nobody has told it"
    now[0] += BELIEVED
    assert cells.get("a") == b"one"
    for one in (cells, dying, elsewhere):
        one.close()


def test_whoever_loses_looks_again(file: Path, cells: Cells) -> None:
    elsewhere = Generations(file.with_name("other generations"))
    silent = Cells(file, elsewhere)
    assert cells.get("a") is None
    silent.swap("a", None, b"one")
    assert not cells.swap("a", None, b"two")
    assert cells.get("a") == b"one"
    silent.close()
    elsewhere.close()


def test_of_many_who_swap_at_once_one_wins(cells: Cells) -> None:
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda number: cells.swap("a", None, b"%d" % number), range(24)))
    assert won.count(True) == 1
    assert cells.get("a") == b"%d" % won.index(True)

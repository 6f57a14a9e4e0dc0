"""A ready response is sent only while everything that it was built on still holds."""

from __future__ import annotations

import pytest

from modgate.observe.metrics import Counter, Histogram
from modgate.serve.table import ANYBODY, LARGEST_BODY, LONGEST_KEY, PRINCIPALS, Entry, Principals, Table, Tally
from tests.serve.fakes import MIB, Generations

TALLY = Tally(Counter(), Counter(), Histogram((1.0,)))
KEY = b"/rsc.io/quote/@v/list"
NOW = 1_700_000_000.0


def entry(body: bytes = b"v1.0.0\n", *, generation: int = 7, valid_until: float = float("inf")) -> Entry:
    return Entry(b"head", body, "log", TALLY, (3, generation), valid_until)


@pytest.fixture
def generations() -> Generations:
    return Generations()


@pytest.fixture
def table(generations: Generations) -> Table:
    return Table(generations.values, MIB)


def test_an_entry_is_found_until_its_time_is_over(table: Table) -> None:
    table.keep(KEY, entry(valid_until=NOW + 60), table.epoch)
    assert table.find(KEY, NOW + 59.9) == entry(valid_until=NOW + 60)
    assert table.find(KEY, NOW + 60) is None
    assert len(table) == 0


def test_an_entry_ends_when_its_slot_moves(table: Table, generations: Generations) -> None:
    table.keep(KEY, entry(), table.epoch)
    generations.bump(2)
    assert table.find(KEY, NOW) is not None
    generations.bump(3)
    assert table.find(KEY, NOW) is None
    assert table.size == 0


def test_everything_ends_when_something_that_concerns_everybody_changes(table: Table, generations: Generations) -> None:
    table.keep(KEY, entry(), table.epoch)
    table.keep(b"/other", entry(), table.epoch)
    generations.bump(0)
    assert table.find(KEY, NOW) is None
    assert len(table) == 0
    table.keep(KEY, entry(), table.epoch)
    assert table.find(KEY, NOW) is not None


def test_an_answer_from_before_such_a_change_is_not_kept_after_it(table: Table, generations: Generations) -> None:
    epoch = table.epoch
    generations.bump(0)
    table.keep(KEY, entry(), epoch)
    assert table.find(KEY, NOW) is None


def test_entries_from_before_such_a_change_do_not_come_back_with_one_from_after_it(
    table: Table, generations: Generations
) -> None:
    table.keep(KEY, entry(), table.epoch)
    generations.bump(0)
    table.keep(b"/other", entry(), table.epoch)
    assert table.find(KEY, NOW) is None
    assert table.find(b"/other", NOW) is not None


def test_a_generation_from_before_the_look_is_not_current(table: Table, generations: Generations) -> None:
    generations.bump(3)
    table.keep(KEY, entry(generation=7), table.epoch)
    assert table.find(KEY, NOW) is None


def test_large_bodies_and_long_targets_are_not_kept(table: Table) -> None:
    table.keep(KEY, entry(b"x" * (LARGEST_BODY + 1)), table.epoch)
    table.keep(b"/" + b"x" * LONGEST_KEY, entry(), table.epoch)
    assert len(table) == 0


def test_memory_is_bounded(table: Table) -> None:
    for number in range(2000):
        table.keep(b"/%d" % number, entry(b"x" * 4000), table.epoch)
    assert MIB * 0.9 < table.size <= MIB


def test_an_unknown_principal_is_looked_up_by_the_ordinary_path_first(table: Table) -> None:
    principals = Principals(table)
    token = (b"Bearer x", b"")
    assert principals.table(ANYBODY) is table
    assert principals.table(token) is None
    assert principals.register(token) is table
    assert principals.table(token) is table


def test_the_number_and_the_length_of_remembered_principals_are_bounded(table: Table) -> None:
    principals = Principals(table)
    for number in range(PRINCIPALS + 1):
        principals.register((b"Bearer %d" % number, b""))
    assert principals.table((b"Bearer 0", b"")) is None
    assert principals.table((b"Bearer 1", b"")) is table
    principals.register((b"x" * 5000, b""))
    assert principals.table((b"x" * 5000, b"")) is None

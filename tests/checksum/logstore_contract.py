"""What every LogStore guarantees. A test class inherits this and gives the fixture `store`, empty."""

from __future__ import annotations

import asyncio

from modgate.checksum.logstore import Entry, LogStore
from modgate.tlog.frontier import Frontier
from modgate.tlog.hashes import record_hash


def entries(*names: str, after: int = 0) -> list[Entry]:
    """Records with these names, as they follow `after` others made here."""
    frontier = Frontier()
    for number in range(after):
        frontier.append(record_hash(f"text of {number}\n".encode()))
    made = []
    for number, name in enumerate(names, after):
        text = f"text of {number}\n"
        made.append(Entry(name, text, tuple(frontier.append(record_hash(text.encode())))))
    return made


class LogStoreContract:
    """The guarantees."""

    async def test_an_empty_one_has_nothing(self, store: LogStore) -> None:
        assert await store.size() == 0
        assert await store.head() is None
        assert await store.number("a") is None
        assert await store.texts(0, 10) == []
        assert await store.hashes([]) == []

    async def test_what_was_appended_is_found_by_name_number_and_index(self, store: LogStore) -> None:
        some = entries("a", "b", "c")
        assert await store.append(0, some[:2])
        assert await store.append(2, some[2:])
        assert await store.size() == 3
        assert [await store.number(name) for name in "abc"] == [0, 1, 2]
        assert await store.texts(1, 5) == [entry.text for entry in some[1:]]
        flat = [one for entry in some for one in entry.hashes]
        assert await store.hashes([3, 0, 2]) == [flat[3], flat[0], flat[2]]

    async def test_nothing_is_appended_anywhere_but_at_the_end(self, store: LogStore) -> None:
        assert not await store.append(1, entries("a"))
        assert await store.append(0, entries("a"))
        assert not await store.append(0, entries("b"))
        assert await store.size() == 1

    async def test_a_name_is_recorded_once_and_all_or_nothing_is_appended(self, store: LogStore) -> None:
        assert await store.append(0, entries("a"))
        assert not await store.append(1, entries("b", "a", after=1))
        assert await store.size() == 1
        assert await store.number("b") is None

    async def test_of_many_who_append_at_once_one_wins(self, store: LogStore) -> None:
        won = await asyncio.gather(*(store.append(0, entries(f"n{number}")) for number in range(20)))
        assert won.count(True) == await store.size() == 1

    async def test_a_head_is_published_only_over_the_one_before(self, store: LogStore) -> None:
        assert await store.publish(None, b"one")
        assert not await store.publish(None, b"other")
        assert await store.publish(b"one", b"two")
        assert not await store.publish(b"one", b"other")
        assert await store.head() == b"two"

"""An audit finds whatever in our log is not what was signed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from modgate.checksum.audit import MOST_FAULTS, audit
from modgate.checksum.log import OwnLog
from modgate.tlog.ed25519 import Ed25519Verifier
from tests.checksum.log import NAME, key_of, record_text
from tests.checksum.stores import MemoryStore, Rows

KEY = key_of(NAME)
VERIFIERS = [Ed25519Verifier(KEY.verifier_key)]


@pytest.fixture
async def store() -> MemoryStore:
    """Three records."""
    store = MemoryStore()
    log = OwnLog(NAME, store, [KEY], VERIFIERS)
    await log.start()
    for number in range(3):
        await log.record(f"example.com/m@v1.0.{number}", record_text("example.com/m", f"v1.0.{number}"))
    return store


async def test_a_sound_log_has_no_faults(store: MemoryStore) -> None:
    found = await audit(store, VERIFIERS)
    assert (found.records, found.covered, found.faults) == (3, 3, ())
    assert (await audit(MemoryStore(), VERIFIERS)).faults == ()


def change_text(rows: Rows) -> None:
    rows.texts[1] = rows.texts[1].replace("h1:", "h1:z")


def change_text_and_hash(rows: Rows) -> None:
    rows.texts[2] = "else\n"
    rows.hashes[3] = bytes(32)


def change_node(rows: Rows) -> None:
    rows.hashes[2] = bytes(32)


def lose_the_last(rows: Rows) -> None:
    rows.texts.pop()
    rows.hashes.pop()


def spoil_the_head(rows: Rows) -> None:
    rows.head = b"garbage"


def lose_the_head(rows: Rows) -> None:
    rows.head = None


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (change_text, "record 1 does not have the hashes"),
        (change_text_and_hash, "do not give the root"),
        (change_node, "record 1 does not have the hashes"),
        (lose_the_last, "covers 3 records, and there are 2"),
        (spoil_the_head, "cannot be verified"),
        (lose_the_head, "there is no published head"),
    ],
)
async def test_whatever_changed_is_found(store: MemoryStore, damage: Callable[[Rows], None], fault: str) -> None:
    damage(store.rows)
    assert any(fault in said for said in (await audit(store, VERIFIERS)).faults)


async def test_records_are_compared_with_what_else_is_known(store: MemoryStore) -> None:
    async def compare(number: int, text: str) -> str:
        return "the store has another sum" if "v1.0.1 " in text else ""

    assert (await audit(store, VERIFIERS, compare)).faults == ("record 1: the store has another sum",)


async def test_records_beyond_the_head_are_read_too_and_faults_are_bounded(store: MemoryStore) -> None:
    log = OwnLog(NAME, MemoryStore(store.rows), [KEY], VERIFIERS)
    head = store.rows.head
    for number in range(3, 3 + MOST_FAULTS + 10):
        await log.record(f"example.com/m@v1.0.{number}", record_text("example.com/m", f"v1.0.{number}"))
    store.rows.head = head
    assert (await audit(store, VERIFIERS)).records == MOST_FAULTS + 13
    for number in range(len(store.rows.texts)):
        store.rows.texts[number] = "else\n"
    assert len((await audit(store, VERIFIERS)).faults) == MOST_FAULTS

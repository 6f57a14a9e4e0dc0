"""Reading our whole log again: every record hashed anew, and the published head computed from that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from modgate.checksum.claim import open_head
from modgate.checksum.logstore import LogStore
from modgate.errors import Malformed, Unavailable, Unproven
from modgate.tlog.frontier import Frontier
from modgate.tlog.hashes import record_hash, stored_hash_count
from modgate.tlog.note import Verifier
from modgate.tlog.record import checked_text

AT_ONCE = 1000
"""Records: 250 KB of text, read in a few milliseconds."""
MOST_FAULTS = 100
"""More say nothing new: the log is lost, not a record."""

Compare = Callable[[int, str], Awaitable[str]]
"""Compares a record with whatever else knows of it: what is wrong, or ""."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found."""

    records: int
    """That were read."""
    covered: int
    """Of them, by the published head."""
    faults: tuple[str, ...]
    """In words, at most MOST_FAULTS; none if all is well."""


async def _agrees(_number: int, _text: str) -> str:
    return ""


async def audit(store: LogStore, verifiers: Sequence[Verifier], compare: Compare = _agrees) -> Audit:
    """Read the whole log while it may grow; memory does not depend on its size.

    Raises:
        Unavailable: it cannot be read.
    """
    faults: list[str] = []
    frontier = Frontier()
    note = await store.head()
    covered = None
    if note is not None:
        try:
            covered = open_head(note, verifiers).head
        except (Malformed, Unproven) as error:
            faults.append(f"the published head cannot be verified: {error.why}")
    size = await store.size()
    if note is None and size:
        faults.append("there is no published head, and one is published before the first record")
    if covered is not None and covered.size > size:
        faults.append(f"the published head covers {covered.size} records, and there are {size}")
    while frontier.size < size and len(faults) < MOST_FAULTS:
        limit = covered.size if covered is not None and frontier.size < covered.size <= size else size
        count = min(AT_ONCE, limit - frontier.size)
        faults += await _part(store, frontier, count, compare)
        if covered is not None and frontier.size == covered.size and frontier.head != covered:
            faults.append(f"the records do not give the root of the published head of {covered.size}")
    return Audit(frontier.size, covered.size if covered is not None else 0, tuple(faults[:MOST_FAULTS]))


async def _part(store: LogStore, frontier: Frontier, count: int, compare: Compare) -> list[str]:
    """Add `count` records to the frontier; what is wrong with them."""
    first = frontier.size
    texts = await store.texts(first, count)
    indexes = range(stored_hash_count(first), stored_hash_count(first + len(texts)))
    faults = [] if len(texts) == count else [f"record {first + len(texts)} is missing"]
    try:
        stored = iter(await store.hashes(indexes))
    except Unavailable as error:
        faults.append(f"of the hashes of records {first} to {first + len(texts) - 1}: {error.reason}")
        stored = None
    for number, text in enumerate(texts, first):
        hashes = frontier.append(record_hash(text.encode(errors="surrogatepass")))
        if stored is not None and hashes != [next(stored) for _ in hashes]:
            faults.append(f"record {number} does not have the hashes that are stored")
        try:
            checked_text(text)
        except Malformed as error:
            faults.append(f"record {number} is none: {error.why}")
        if fault := await compare(number, text):
            faults.append(f"record {number}: {fault}")
    return faults

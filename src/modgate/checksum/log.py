"""Our own log: it only grows, and never says anything that excludes what it said before (protocol.md §5.7).

The order of writes, and what is lost where we die:

    records and their hashes durable    before: nothing happened. After: the records are there, and no head covers them;
                                        whoever comes next signs one that does.
    head signed                         a signature that nobody has seen says nothing.
    witness has the head                before: as above. After: the next head is signed over the same records.
    head durable                        after: the head is there, and nobody has been told of it.
    head served                         by every process that finds it in the store: the witness has it.

Before each signature the head published before is computed again from the stored hashes: a log that has lost or changed
anything since signs nothing.

Belongs here: sequence, signing, batches. Not here: which sums are recorded (whoever calls `record` has verified them),
rows and transactions (logstore.py's implementations), HTTP.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

from modgate.checksum.claim import SignedHead, open_head
from modgate.checksum.logstore import Entry, LogStore, Witness
from modgate.errors import Absent, Corrupt, GatewayError, Malformed, Unproven
from modgate.tlog.frontier import Frontier
from modgate.tlog.hashes import EMPTY_ROOT, record_hash
from modgate.tlog.note import Signer, Verifier, parse_note, sign_note
from modgate.tlog.proofs import root_indexes
from modgate.tlog.record import checked_text, format_record
from modgate.tlog.tile import DATA, Tile
from modgate.tlog.tiling import tile_indexes
from modgate.tlog.tree import Head, format_head

BATCH = 1000
"""Records that one signature covers at most: 1 MB of rows in one transaction."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A record that is to be appended."""

    text: str
    evidence: str
    done: asyncio.Future[None]
    """When it was tried."""


class OwnLog:
    """One log with one name, written by any number of processes."""

    def __init__(
        self,
        name: str,
        store: LogStore,
        signers: Sequence[Signer],
        verifiers: Sequence[Verifier],
        witness: Witness | None = None,
        turn: Callable[[], AbstractAsyncContextManager[object]] = nullcontext,
    ) -> None:
        """While one key replaces another, both sign; `verifiers` are those of all `signers`. Whoever holds a `turn` is
        the only process that writes: without it all would stay true, and several would sign in vain.
        """
        self.name = name
        self._store = store
        self._signers = tuple(signers)
        self._verifiers = tuple(verifiers)
        self._witness = witness
        self._turn = turn
        self._published = SignedHead(Head(0, EMPTY_ROOT), b"")
        self._waiting: dict[str, _Waiting] = {}
        self._writing = asyncio.Lock()

    async def start(self) -> None:
        """Compare what is stored with what was said before, and publish what a crash has left unsaid.

        Raises:
            Corrupt: the log is older than what it or the witness has published, or not the same.
            Unavailable: it cannot be read or written.
        """
        async with self._writing:
            await self._read_witness()
            await self._publish()
            await self._tell_witness(self._published)  # it may be a new one, or was lost

    @property
    def published(self) -> SignedHead:
        """The head that is served."""
        return self._published

    async def latest(self) -> SignedHead:
        """The head that is served, after a look at what other processes have published."""
        if await self._store.head() != self._published.note:
            async with self._writing:
                await self._follow()
        return self._published

    async def record(self, name: str, text: str, evidence: str = "") -> int:
        """The number of the record of `name`, which is appended if there is none; a head that covers it is published
        when this returns. Records that are asked for at one time share a signature. `evidence` is kept with the record
        that it brings, and no part of it.

        Raises:
            Malformed: no record has such a text.
            Corrupt: another text is recorded, which is for ever; or the log is not what it was.
            Unavailable: it cannot be written.
        """
        checked_text(text)
        while (number := await self._covered(name)) is None:
            done = asyncio.get_running_loop().create_future()
            waiting = self._waiting.setdefault(name, _Waiting(text, evidence, done))
            async with self._writing:
                if not waiting.done.done():
                    await self._write_until(waiting.done)
            waiting.done.result()
        if await self._store.texts(number, 1) != [text]:
            raise Corrupt(asked=name, source=self.name, reason="is recorded with other sums, and a record is for ever")
        return number

    async def lookup(self, name: str) -> bytes | None:
        """The answer to a lookup; None if it is not recorded."""
        number = await self._store.number(name)
        if number is None:
            return None
        await self._cover(number + 1)
        return format_record(number, (await self._store.texts(number, 1))[0]) + self._published.note

    async def tile(self, tile: Tile) -> bytes:
        """A tile of any width that the log has had.

        Raises:
            Absent: it is beyond the log. No client of ours asks for it, unless it has seen a larger log of this name.
        """
        end = ((tile.number << tile.height) + tile.width) << (tile.height * max(tile.level, 0))
        await self._cover(end)
        if end > self._published.head.size:
            reason = f"is beyond the log, which has {self._published.head.size} records"
            raise Absent(asked=tile.path, source=self.name, reason=reason)
        if tile.level == DATA:
            texts = await self._store.texts(tile.number << tile.height, tile.width)
            return "".join(f"{text}\n" for text in texts).encode()
        return b"".join(await self._store.hashes(tile_indexes(tile)))

    async def _covered(self, name: str) -> int | None:
        """The number of a record that the served head covers."""
        number = await self._store.number(name)
        if number is not None:
            await self._cover(number + 1)
        return number

    async def _cover(self, size: int) -> None:
        """Serve a head of at least `size` records, if there are so many: perhaps another process has published it."""
        if size > self._published.head.size:
            async with self._writing:
                await self._follow()
                if size > self._published.head.size:
                    await self._publish()

    async def _write_until(self, done: asyncio.Future[None]) -> None:
        async with self._turn():
            while not done.done():
                await self._write()

    async def _write(self) -> None:
        """Append what waits, in one go, and publish it. An error is told to all who waited for that; whoever is
        cancelled here leaves everything waiting for the next one."""
        batch = dict(itertools.islice(self._waiting.items(), BATCH))
        failure: GatewayError | None = None
        try:
            await self._append(batch)
            await self._publish()
        except GatewayError as error:
            failure = error
        for name, waiting in batch.items():
            del self._waiting[name]
            if failure is None:
                waiting.done.set_result(None)
            else:
                waiting.done.set_exception(failure)
                waiting.done.exception()  # perhaps nobody waits any more

    async def _append(self, batch: Mapping[str, _Waiting]) -> None:
        missing = {name: one for name, one in batch.items() if await self._store.number(name) is None}
        if missing:
            frontier = await self._frontier(await self._store.size())
            first = frontier.size
            entries = [
                Entry(name, one.text, tuple(frontier.append(record_hash(one.text.encode()))), one.evidence)
                for name, one in missing.items()
            ]
            # False: another process was faster. Who still lacks a record then asks again.
            await self._store.append(first, entries)

    async def _publish(self) -> None:
        """Serve a head that covers all records, signed by all signers."""
        while True:
            note, size = await self._follow()
            if note is not None and size == self._published.head.size and self._is_signed_by_all(note):
                return
            await self._check(self._published, size, "this process")
            head = (await self._frontier(size)).head
            new = SignedHead(head, sign_note(format_head(head), self._signers))
            await self._tell_witness(new)
            if await self._store.publish(note, new.note):
                self._published = new
                return

    async def _follow(self) -> tuple[bytes | None, int]:
        """Serve the head that the store has, whoever has published it; and say which, and how many records there are.

        A head is in the store only after the witness has it, so that nobody has to be asked.
        """
        note = await self._store.head()
        size = await self._store.size()
        if note is not None and note != self._published.note:
            newer = self._opened(note, "the store")
            await self._check(newer, size, "the store")
            # Whoever puts an older copy below a running gateway: what was served is not taken back.
            await self._check(self._published, newer.head.size, "this process")
            self._published = newer
        return note, size

    async def _tell_witness(self, signed: SignedHead) -> None:
        """Nobody is told of a head that the witness does not know, or a larger one."""
        while self._witness is not None:
            seen = await self._read_witness()
            if seen is not None and (seen.note == signed.note or seen.head.size > signed.head.size):
                return
            if await self._witness.write(seen.note if seen is not None else None, signed.note):
                return

    async def _read_witness(self) -> SignedHead | None:
        note = await self._witness.read() if self._witness is not None else None
        if note is None:
            return None
        seen = self._opened(note, "the witness")
        await self._check(seen, await self._store.size(), "the witness")
        return seen

    async def _frontier(self, size: int) -> Frontier:
        return Frontier(size, await self._store.hashes(root_indexes(size)))

    async def _check(self, said: SignedHead, size: int, where: str) -> None:
        """Check that a head which was published once is the beginning of what is stored."""
        if said.head.size > size:
            reason = f"has {size} records, and {where} has a published head of {said.head.size}: it is an older copy"
            raise Corrupt(asked=self.name, source=self.name, reason=reason)
        if (await self._frontier(said.head.size)).head != said.head:
            reason = f"has other content than the published head of {said.head.size} records that {where} has"
            raise Corrupt(asked=self.name, source=self.name, reason=reason)

    def _opened(self, note: bytes, where: str) -> SignedHead:
        try:
            return open_head(note, self._verifiers)
        except (Malformed, Unproven) as error:
            reason = f"cannot verify the head that {where} has ({error.why}): a new key signs beside the old one first"
            raise Corrupt(asked=self.name, source=self.name, reason=reason) from error

    def _is_signed_by_all(self, note: bytes) -> bool:
        signed = {(signature.name, signature.key_id) for signature in parse_note(note).signatures}
        return all((signer.name, signer.key_id) in signed for signer in self._signers)

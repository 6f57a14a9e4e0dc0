"""The one history of a database, as far as it is known here (protocol.md §5.4).

Every signed head that is seen must lie on it: an older one must be its beginning, and it must be the beginning of a
newer one, which then becomes the head. The newest is remembered for all processes and over restarts. A signed head that
does not lie on it is a fork.

Crash points: a head is remembered durably before anything that it proves is told. If we die before, the next process
begins at the older head, which is on the same history.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from modgate.checksum.claim import SignedHead, open_head
from modgate.checksum.doubt import Doubt
from modgate.checksum.ops import Ops
from modgate.checksum.tiles import Tiles
from modgate.errors import Fork, GatewayError, Malformed, Trouble, Unavailable, Unproven
from modgate.tlog.hashes import EMPTY_ROOT
from modgate.tlog.note import Verifier
from modgate.tlog.proofs import prove_tree, root_indexes
from modgate.tlog.proven import ProvenTree
from modgate.tlog.tree import Head

MOST_TILES = 512
"""Of one tree in memory, 4 MB; then those of records are let go."""


@dataclass(frozen=True, slots=True)
class Known:
    """A head on the history, and what of its tree is proven."""

    signed: SignedHead
    tree: ProvenTree
    fresh: dict[str, bytes] = field(default_factory=dict)
    """Proven tiles that are not kept yet."""


class Timeline:
    """Merges heads."""

    def __init__(self, database: str, verifiers: Sequence[Verifier], ops: Ops, tiles: Tiles) -> None:
        self._database = database
        self._verifiers = tuple(verifiers)
        self._ops = ops
        self._tiles = tiles
        self._latest = _empty()
        self._begun = False
        self._remembered: bytes | None = None
        """What was last seen in the shared place, and is on our history."""
        self._newest: SignedHead | None = None
        self._growing = asyncio.Lock()

    async def merge(self, signed: SignedHead, doubt: Doubt) -> Known:
        """Put a signed head on the history; what is returned covers it.

        Raises:
            Fork: it excludes the history that was seen before.
            Unavailable, Corrupt, Forbidden: it cannot be compared.
        """
        if self._newest is None or signed.head.size > self._newest.head.size:
            self._newest = signed
        if signed.head.size > self._latest.signed.head.size or self._remembered != self._latest.signed.note:
            async with self._growing:
                await self._begin(doubt)
                await self._grow_to_newest(signed, doubt)
        known = self._latest
        await self._on_history(signed, known, doubt)
        return known

    @property
    def is_growing(self) -> bool:
        """Whether somebody is at it."""
        return self._growing.locked()

    async def known(self) -> Known | None:
        """The newest head on the history; None before the first, or while it is being found.

        It never waits while the history grows: who does that may wait for the lock of a file that the asker holds.

        Raises:
            Fork, Unavailable, Corrupt, Forbidden: what is remembered cannot be read or compared.
        """
        if not self._begun and not self.is_growing:
            async with self._growing:
                await self._begin(Doubt())
        return self._latest if self._latest.signed.head.size else None

    def slim(self, known: Known) -> None:
        """Let tiles go where there are many, proven ones that nobody has kept too: they are fetched again one day."""
        if len(known.fresh) > MOST_TILES:
            known.fresh.clear()
        if len(known.tree) > MOST_TILES and known is self._latest:
            # Whoever still reads the old tree keeps it; it goes with the last of them.
            self._latest = replace(known, tree=known.tree.lean())

    async def _begin(self, doubt: Doubt) -> None:
        if not self._begun:
            await self._merge_remembered(await self._ops.head(), doubt)
            self._begun = True

    async def _grow_to_newest(self, signed: SignedHead, doubt: Doubt) -> None:
        """Where many lookups come at once, each with a newer head, the newest is merged once for all of them."""
        newest = self._newest or signed
        try:
            await self._grow(newest, doubt)
        except GatewayError:
            self._newest = None
            if newest is signed:
                raise
            # Another one's trouble is not this one's, and will be told to that one.
            await self._grow(signed, doubt)
        await self._remember(doubt)

    async def _grow(self, signed: SignedHead, doubt: Doubt) -> None:
        """Make a newer head the latest."""
        older = self._latest
        if signed.head.size <= older.signed.head.size:
            return
        newer = _known(signed)
        await self._on_history(older.signed, newer, doubt)
        newer.tree.adopt(older.tree)
        newer.fresh.update(older.fresh)
        self._latest = newer

    async def _on_history(self, older: SignedHead, known: Known, doubt: Doubt) -> None:
        """Check that a head is a beginning of a known one, which is not smaller."""
        if older.head == known.signed.head:
            return
        size = older.head.size
        if size == known.signed.head.size:
            raise self._fork(older, known, known.signed.head.root, ())
        await self._tiles.ensure(known.tree, root_indexes(size), doubt, known.fresh)
        root = known.tree.root_of(size)
        if root != older.head.root:
            proof = prove_tree(known.signed.head.size, size, known.tree.hashes) if size else []
            raise self._fork(older, known, root, tuple(proof))

    async def _remember(self, doubt: Doubt) -> None:
        """Remember the latest head for all, with what others have remembered since merged in."""
        while self._remembered != self._latest.signed.note:
            if await self._ops.advance(self._remembered, self._latest.signed.note):
                self._remembered = self._latest.signed.note
                return
            try:
                await self._merge_remembered(await self._ops.head(), doubt)
            except Fork:
                # Another process was told the other history, and was first: ours has proven nothing yet.
                self._latest, self._remembered, self._begun = _empty(), None, False
                raise

    async def _merge_remembered(self, note: bytes | None, doubt: Doubt) -> None:
        if note is not None:
            signed = self._opened(note)
            if not self._latest.signed.head.size:
                self._latest = _known(signed)
            await self._grow(signed, doubt)
            await self._on_history(signed, self._latest, doubt)
            if signed.head == self._latest.signed.head:
                self._latest = replace(self._latest, signed=signed)  # perhaps with other signatures
        self._remembered = note

    def _opened(self, note: bytes) -> SignedHead:
        try:
            return open_head(note, self._verifiers)
        except (Malformed, Unproven) as error:
            # To forget it would let a database that lied begin anew.
            reason = (
                "remembers a head that is not signed with its key; if the key is new, run modgate checksum accept "
                f"--new-key ({error.why})"
            )
            raise Unavailable(asked=self._database, reason=reason, trouble=Trouble.OURS) from error

    def _fork(self, older: SignedHead, newer: Known, root: bytes, proof: tuple[bytes, ...]) -> Fork:
        reason = (
            f"has signed two histories: its tree of {older.head.size} records is not the beginning of its tree of "
            f"{newer.signed.head.size}"
        )
        return Fork(
            asked=self._database,
            source=self._database,
            reason=reason,
            older=older.note,
            newer=newer.signed.note,
            root=root,
            proof=proof,
        )


def _empty() -> Known:
    """Before anything is known."""
    return _known(SignedHead(Head(0, EMPTY_ROOT), b""))


def _known(signed: SignedHead) -> Known:
    return Known(signed, ProvenTree(signed.head))

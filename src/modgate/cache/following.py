"""A download that another process leads: its growing file is read along until the lock is free."""

from __future__ import annotations

import os
from collections.abc import Callable

from modgate.cache.pace import Pace
from modgate.cache.part import read_note
from modgate.cache.spool import Spooled
from modgate.errors import Trouble, Unavailable
from modgate.storage.namespace import Namespace
from modgate.storage.tree import Identity

BROKE_OFF = "broke off in another process of this gateway"


class Follower:
    """Looks at `<key>.part` each time the lock is found to be taken."""

    def __init__(
        self, store: Namespace, name: str, pace: Pace, begun: Callable[[Spooled], None], void: Callable[[], None]
    ) -> None:
        """`begun` is told of a growing file once its first byte may be handed out, `void` when that one is no more."""
        self._part = f"{store.spool}/{store.key(name)}.part"
        self._note = f"{store.spool}/{store.key(name)}.json"
        self._pace = pace
        self._begun = begun
        self._void = void
        self._spooled: Spooled | None = None
        self._told = False

    def look(self) -> None:
        """See how far the leader is."""
        try:
            status = os.stat(self._part)
        except FileNotFoundError:
            return  # not begun, or just renamed into the tree: the lock tells
        if self._spooled is not None and self._spooled.identity.inode != status.st_ino:
            self._drop("began anew in another process of this gateway")
        if self._spooled is None:
            try:
                self._spooled = Spooled(self._part, self._pace)
            except FileNotFoundError:
                return
        note = read_note(self._note)
        if note is not None:
            self._spooled.size = note.size
        self._spooled.grow(self._spooled.identity.size)
        # Without its note its length is not known yet, and whoever is answered now would not be told it.
        if self._spooled.released and not self._told and note is not None:
            self._told = True
            self._begun(self._spooled)

    def ended(self, stored: Identity | None) -> Spooled | None:
        """The lock is ours. `stored` is what lies in the tree now.

        Returns the growing file if its leader died over it: whoever reads it waits for us to go on.
        """
        if self._spooled is None:
            return None
        inode = self._spooled.identity.inode
        if stored is not None and stored.inode == inode:
            self._spooled.finish(stored.size)
        elif stored is None and _inode(self._part) == inode:
            return self._spooled
        else:
            self._drop(BROKE_OFF)
        return None

    def close(self) -> None:
        """Cut whoever reads a file that nobody goes on with; one that was finished, or has failed, stays as it is."""
        if self._spooled is not None:
            self._spooled.fail(Unavailable(reason=BROKE_OFF, trouble=Trouble.OURS))

    def _drop(self, why: str) -> None:
        if self._spooled is not None:
            self._spooled.fail(Unavailable(reason=why, trouble=Trouble.OURS))
            self._spooled, self._told = None, False
            self._void()


def _inode(path: str) -> int | None:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return None

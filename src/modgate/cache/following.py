"""A download that another process leads: its growing file is read along until the lock is free."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

from modgate.cache.spool import Spooled
from modgate.errors import Trouble, Unavailable
from modgate.storage.namespace import Namespace
from modgate.storage.tree import Identity


class Follower:
    """Looks at `<key>.part` each time the lock is found to be taken."""

    def __init__(self, store: Namespace, name: str, begun: Callable[[Spooled], None], void: Callable[[], None]) -> None:
        """`begun` is told of a growing file once its first byte may be handed out, `void` when that one is no more."""
        self._part = f"{store.spool}/{store.key(name)}.part"
        self._note = f"{store.spool}/{store.key(name)}.json"
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
                self._spooled = Spooled(self._part)
            except FileNotFoundError:
                return
        self._spooled.size = self._size()
        self._spooled.grow(self._spooled.identity.size)
        if self._spooled.released and not self._told and self._spooled.size is not None:
            self._told = True
            self._begun(self._spooled)

    def ended(self, stored: Identity | None) -> None:
        """The lock is ours. `stored` is what lies in the tree now."""
        if self._spooled is None:
            return
        if stored is not None and stored.inode == self._spooled.identity.inode:
            self._spooled.finish(stored.size)
        else:
            self._drop("broke off in another process of this gateway")

    def _drop(self, why: str) -> None:
        if self._spooled is not None:
            self._spooled.fail(Unavailable(reason=why, trouble=Trouble.OURS))
            self._spooled, self._told = None, False
            self._void()

    def _size(self) -> int | None:
        try:
            with open(self._note) as file:
                size = json.load(file)["size"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return size if isinstance(size, int) else None

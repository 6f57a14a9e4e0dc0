"""A complete file of the tree as a body."""

from __future__ import annotations

import os
from dataclasses import dataclass

from modgate.errors import Trouble, Unavailable
from modgate.source.base import Reader
from modgate.storage.tree import Identity, raise_spent

PIECE = 262144
"""Bytes read at once."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that was proven when it had this identity. Satisfies source.base.Stored."""

    path: str
    identity: Identity

    @property
    def size(self) -> int:
        return self.identity.size

    def fileno(self) -> int:
        """A new descriptor, which the caller closes.

        Raises:
            Unavailable: the file is gone, or is not the one that was proven, and the next ask finds out which; or no
                file can be opened just now.
        """
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
        except OSError as error:
            raise_spent(error)
            raise self._changed() from error
        if not self.identity.is_of(descriptor):
            os.close(descriptor)
            raise self._changed()
        return descriptor

    def is_in(self, descriptor: int) -> bool:
        """A file that was replaced or removed has another time of change than when it was proven, too."""
        return self.identity.is_of(descriptor)

    async def open(self, start: int = 0, stop: int | None = None) -> Reader:
        return FileReader(self.fileno(), start, self.size if stop is None else min(stop, self.size))

    def _changed(self) -> Unavailable:
        return Unavailable(
            reason="the stored file changed while it was being answered; ask again", trouble=Trouble.OURS
        )


class FileReader:
    """Reads a part of a file, from `start` to `stop`. Satisfies source.base.Reader; owns `descriptor`."""

    def __init__(self, descriptor: int, start: int, stop: int) -> None:
        self._descriptor = descriptor
        self._position = start
        self._stop = stop

    async def read(self) -> bytes:
        data = os.pread(self._descriptor, min(PIECE, self._stop - self._position), self._position)
        self._position += len(data)
        if not data and self._position < self._stop:
            raise Unavailable(reason="the stored file became shorter while it was being read", trouble=Trouble.OURS)
        return data

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

"""Small files that are kept open, because they are sent again and again: to open and close one costs 2 of 30 µs.

Belongs here: which are open, and that each is looked at before it is sent. Not here: sending (zerocopy.py), what tells
that a file is still the one that was proven (whoever stores it).
"""

from __future__ import annotations

import os
from collections import deque

from modgate.errors import Unavailable
from modgate.source.base import Stored

MOST = 64
"""Files open at once in one process, of at most LARGEST_FILE bytes each (table.py): what was removed meanwhile takes up
room on the disk until it is closed."""


class OpenFile:
    """The way to a small file, for those who want it again."""

    __slots__ = ("_descriptor", "_file", "_files", "size")

    def __init__(self, file: Stored, files: OpenFiles) -> None:
        self._file = file
        self.size = file.size
        self._files = files
        self._descriptor = -1

    def descriptor(self) -> int:
        """It, opened, which stays ours; -1 if it is not there any more, or is not the one that was proven."""
        if self._descriptor >= 0:
            if self._file.is_in(self._descriptor):
                return self._descriptor
            self.close()
        try:
            found = self._file.fileno()
        except Unavailable:
            return -1
        if found is None:
            return -1
        self._descriptor = found
        self._files.opened(self)
        return found

    def close(self) -> None:
        """Close it, if it is open; whoever wants it again opens it again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class OpenFiles:
    """All of one port. `close` them."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._open: deque[OpenFile] = deque()
        """In the order in which they were opened; some of them may have been closed again."""

    def opened(self, file: OpenFile) -> None:
        """`file` has been opened; the one that was opened first makes room for it."""
        self._open.append(file)
        if len(self._open) > self._most:
            self._open.popleft().close()

    def close(self) -> None:
        """Close all of them."""
        while self._open:
            self._open.popleft().close()

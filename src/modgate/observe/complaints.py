"""The standard error of a process that serves.

Belongs here: that writing to it neither waits nor fails: a reader that does not read, one that has gone or a full disk
cost lines, never an answer. Not here: what is written (log.py, the banner), the access log (access_log.py).
"""

from __future__ import annotations

import os
from contextlib import suppress

from modgate.observe.sink import STDERR, inherited

NEWLINE = 0x0A


class StandardError:
    """A stream for texts, each of whole lines."""

    def __init__(self) -> None:
        """Raises OSError: the standard error is closed."""
        self._sink = inherited(STDERR)
        self._midline = False

    def write(self, text: str) -> None:
        """Write it, as far as it is taken now."""
        # A line that went only half is ended here, so that it does not spoil the next one.
        data = b"\n" * self._midline + text.encode(errors="replace")
        with suppress(OSError):
            went = self._sink.write(data)
            self._midline = data[went - 1] != NEWLINE if went else self._midline

    def flush(self) -> None:
        """Nothing is kept back."""

    def isatty(self) -> bool:
        """Whether people read it."""
        return os.isatty(STDERR)

    def close(self) -> None:
        """Let go of it; the descriptor stays open for others."""
        self._sink.close()

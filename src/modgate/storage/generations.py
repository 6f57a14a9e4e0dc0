"""Invalidation across processes: one mmap'd file of 64-bit generations.

Whatever changes an answer writes a new random number into the slot of its module; whoever keeps a ready answer in
memory remembers the number it saw before it looked, and drops the answer when the number is another one. A look is one
memory read. Two modules may share a slot: that costs a look into the store, never a wrong answer.

Random numbers rather than increments: two processes that increment at once would write the same number, and a copy made
between the two would look current for ever.
"""

from __future__ import annotations

import mmap
import os
import random
import zlib
from pathlib import Path

SLOTS = 65536
"""512 KiB on disk; with 100,000 modules in use each shares its slot with one other."""
EVERYTHING = 0
"""The slot for what changes every answer: policy, grants, routes."""


class Generations:
    """The slots, shared by all processes on one data directory."""

    def __init__(self, path: Path) -> None:
        """Open or make the file.

        Raises:
            OSError: it cannot be made.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # Not a hole: to write into one on a full disk kills the process (SIGBUS).
            os.posix_fallocate(descriptor, 0, SLOTS * 8)
            self._map = mmap.mmap(descriptor, SLOTS * 8)
        finally:
            os.close(descriptor)
        # Seeded by the kernel, and asked without a system call: all that matters is that no two numbers are alike.
        self._random = random.Random()  # noqa: S311 -- no secret
        self.values: memoryview = memoryview(self._map).cast("Q")
        """`values[slot]` is the slot's generation now."""

    def slot(self, namespace: str, path: str) -> int:
        """The slot of a module path, between 1 and SLOTS - 1."""
        return 1 + zlib.crc32(f"{namespace}/{path}".encode()) % (SLOTS - 1)

    def stamp(self, namespace: str, path: str) -> tuple[int, int]:
        """(slot, generation), to be read before the look-up that it shall guard."""
        slot = self.slot(namespace, path)
        return slot, self.values[slot]

    def bump(self, slot: int) -> None:
        """Everything kept under `slot` is out of date. To be called after the change is visible to other processes."""
        self.values[slot] = self._random.getrandbits(64)

    def close(self) -> None:
        self.values.release()
        self._map.close()

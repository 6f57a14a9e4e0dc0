"""The bytes of one download on disk, and the room that all downloads may take."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from modgate.errors import Trouble, Unavailable
from modgate.observe import families
from modgate.observe.metrics import Metrics
from modgate.source.base import Arriving
from modgate.storage.writeback import Early, synced

NOTED = 1 << 18
"""Bytes up to which a file has no note: to fetch it again costs less than a second file for each of them. If its leader
dies, it is read again from its first byte; in another process, its readers wait for its end."""


class Diverged(Exception):
    """What comes is not what came before: the file has to begin anew."""


@dataclass(frozen=True, slots=True)
class Note:
    """Beside the bytes: where they come from, so that another process can go on with them."""

    source: str
    url: str
    size: int | None
    validator: str


def read_note(path: str) -> Note | None:
    """The note at `path`; None if there is none, or it is just being written."""
    try:
        with open(path) as file:
            return Note(**json.load(file))
    except (OSError, ValueError, TypeError):
        return None


class Budget:
    """Bytes that downloads may have in the spool."""

    def __init__(self, most: int, metrics: Metrics) -> None:
        self._most = most
        self._gauge = metrics.gauge(families.SPOOL_BYTES)

    def take(self, amount: int) -> None:
        """Reserve `amount` more bytes.

        Raises:
            Unavailable: downloads in flight hold all of it.
        """
        if self._gauge.value + amount > self._most:
            reason = f"has {int(self._gauge.value)} bytes of downloads in flight and allows {self._most} (limits.spool)"
            raise Unavailable(reason=reason, trouble=Trouble.OURS, retry_after=5.0)
        self._gauge.add(amount)

    def give(self, amount: int) -> None:
        self._gauge.add(-amount)


class Part:
    """`<key>.part`, and its note if it is worth one. The bytes [0, size) are what came so far."""

    def __init__(self, spool: Path, key: str, budget: Budget) -> None:
        """Open it; it is made if it is not there.

        Raises:
            OSError: it cannot be made.
            Unavailable: there is no room for what it holds.
        """
        self.path = f"{spool}/{key}.part"
        self._note = f"{spool}/{key}.json"
        self._budget = budget
        self._reserved = 0
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        self.size = os.fstat(self._descriptor).st_size
        self._position = self.size
        self._whole: int | None = None
        """The length of the whole file, where a transfer has told it."""
        try:
            self._reserve(self.size)
        except Unavailable:
            os.close(self._descriptor)
            raise

    def begin(self, arriving: Arriving, source: str) -> None:
        """A transfer begins at `arriving.start`: what is there already is compared, what is new is written.

        Raises:
            Diverged: it is of another length than what came before, or would leave a hole.
            OSError, Unavailable: no room.
        """
        before = self.note()
        # A length that was told once is told to clients, and the end of the file is held back by it: a later transfer
        # that tells another one is of another file, and one that tells none has to keep to it.
        known = None
        if self.size:
            known = before.size if self._whole is None and before is not None else self._whole
        if _differ(known, arriving.size):
            raise Diverged
        if arriving.start > self.size or (arriving.size is not None and arriving.size < self.size):
            raise Diverged
        self._position = arriving.start
        self._whole = known if arriving.size is None else arriving.size
        if self._whole is not None:
            self._reserve(self._whole)
        if before is not None or self._whole is None or self._whole > NOTED:
            with open(self._note, "w") as file:
                json.dump(asdict(Note(source, arriving.url, self._whole, arriving.validator)), file)

    def accept(self, chunk: bytes) -> None:
        """The next bytes of the transfer.

        Raises:
            Diverged: they are not the bytes that came before.
            OSError, Unavailable: no room.
        """
        known = min(len(chunk), self.size - self._position)
        if known > 0 and os.pread(self._descriptor, known, self._position) != chunk[:known]:
            raise Diverged
        fresh = memoryview(chunk)[max(known, 0) :]
        if self._whole is not None and self.size + len(fresh) > self._whole:
            raise Diverged
        if fresh:
            self._reserve(self.size + len(fresh))
            write_all(self._descriptor, fresh, self.size)
            self.size += len(fresh)
        self._position += len(chunk)

    def end(self) -> None:
        """The transfer says that this was all.

        Raises:
            Diverged: it ended before what came before, or elsewhere than was told.
        """
        if self._position < self.size or _differ(self._whole, self.size):
            raise Diverged

    def note(self) -> Note | None:
        return read_note(self._note)

    def sync(self) -> asyncio.Future[OSError | None]:
        """Make the bytes durable, in a thread; what goes wrong is the result, so that nobody has to wait for it.

        Do not cancel it: one that has not begun yet would leave its descriptor open.
        """
        return asyncio.get_running_loop().run_in_executor(None, synced, os.dup(self._descriptor))

    def write_back(self, early: Early) -> None:
        """Let what has come go to the disk already."""
        early.grown(self._descriptor, self.size)

    def remove(self) -> None:
        """Begin anew, or give up."""
        for path in (self.path, self._note):
            with suppress(OSError):  # gone already, or the folder may not be written any more
                os.unlink(path)
        if not os.fstat(self._descriptor).st_nlink or self._is_there():
            # Whoever reads it has it open for a while yet, in other processes too; on a full disk its room is wanted
            # now. And what cannot be removed must not be gone on with.
            with suppress(OSError):
                os.ftruncate(self._descriptor, 0)

    def _is_there(self) -> bool:
        """Whether it lies in the spool under its name: not in the tree, and not removed."""
        try:
            return os.stat(self.path).st_ino == os.fstat(self._descriptor).st_ino
        except OSError:
            return False

    def close(self) -> None:
        """What a cancelled download leaves is another process's to go on with, or swept at the next start."""
        os.close(self._descriptor)
        if not os.path.exists(self.path):
            with suppress(OSError):
                os.unlink(self._note)
        self._budget.give(self._reserved)

    def _reserve(self, size: int) -> None:
        if size > self._reserved:
            self._budget.take(size - self._reserved)
            self._reserved = size


def _differ(one: int | None, other: int | None) -> bool:
    """Whether two lengths of one file contradict each other."""
    return one is not None and other is not None and one != other


def write_all(descriptor: int, data: memoryview, position: int) -> None:
    """Write `data` at `position`, however often the kernel takes only a part of it.

    Raises:
        OSError.
    """
    while data:
        written = os.pwrite(descriptor, data, position)
        data, position = data[written:], position + written

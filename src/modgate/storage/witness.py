"""A file on other storage that remembers the highest head of our own log: `checksum.logstore.Witness`.

Replaced whole: written beside, synced, renamed, directory synced. Whoever dies before the rename has remembered
nothing, and after it everything. Processes take turns by an flock on a file beside it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from modgate.errors import Trouble, Unavailable

T = TypeVar("T")

MOST = 65536
"""Bytes: a head signed by two keys has 400."""
SECONDS = 10.0
"""For one look or write: other storage is often a network's, and that may hang."""

Call = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Makes a call in another thread. Raises what it raises, and TimeoutError where it has hung for SECONDS."""


def _nothing(arrow: str) -> None:
    """What happens at an arrow outside of the crash tests."""


class FileWitness:
    """One head in one file."""

    def __init__(self, file: Path, arrow: Callable[[str], None] = _nothing, call: Call = asyncio.to_thread) -> None:
        """The file's directory has to be there: a mount that is missing must not look like a log that begins. `arrow`
        is called with the name of the step of a write that is over; crash tests die there.
        """
        self._file = file
        self._arrow = arrow
        self._call = call

    async def read(self) -> bytes | None:
        return await self._told(self._read)

    async def write(self, old: bytes | None, new: bytes) -> bool:
        return await self._told(lambda: self._write(old, new))

    async def _told(self, work: Callable[[], T]) -> T:
        try:
            told: T = await self._call(work)
            return told
        except TimeoutError as error:
            raise self._failed(f"no answer within {SECONDS:g} s") from error
        except OSError as error:
            raise self._failed((error.strerror or str(error)).lower()) from error

    def _failed(self, why: str) -> Unavailable:
        reason = f"the witness {self._file.name} cannot be used ({why})"
        return Unavailable(reason=reason, trouble=Trouble.OURS, retry_after=5.0)

    def _read(self) -> bytes | None:
        os.stat(self._file.parent)
        try:
            with self._file.open("rb") as file:
                return file.read(MOST)
        except FileNotFoundError:
            return None

    def _write(self, old: bytes | None, new: bytes) -> bool:
        with self._beside("lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self._read() != old:
                return False
            fresh = self._beside("new")
            with fresh.open("wb") as file:
                file.write(new)
                file.flush()
                os.fsync(file.fileno())
            self._arrow("written")
            fresh.rename(self._file)
            self._arrow("renamed")
            _sync_directory(self._file.parent)
            return True

    def _beside(self, ending: str) -> Path:
        return self._file.with_name(f"{self._file.name}.{ending}")


def _sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

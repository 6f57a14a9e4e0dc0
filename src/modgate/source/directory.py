"""A directory with the layout of a GOPROXY file tree, or of $GOMODCACHE/cache/download (protocol.md §1.7)."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress

from modgate.errors import Absent, Corrupt, Forbidden, GatewayError, Trouble, Unavailable
from modgate.source.base import Answer, Arriving, Ask, Kind, Ready, Terms
from modgate.source.blocking import Blocking, Stuck
from modgate.source.goproxy import Sizes
from modgate.source.wellformed import formed

PIECE = 262144
"""Bytes read at once."""


class Directory:
    """A `file://` member of a chain. Its files may change; it is asked like any upstream.

    It may lie on a network file system that hangs: each step has a deadline.
    """

    def __init__(self, root: str, sizes: Sizes, first_byte: float = 15.0) -> None:
        """`root` is an absolute path; `first_byte` is in seconds, for each step."""
        self._root = root.rstrip("/")
        self._sizes = sizes
        self._blocking = Blocking(first_byte)

    @property
    def name(self) -> str:
        """The last element only: clients see it in texts, and no path of this server is their business."""
        return f"file://.../{self._root.rpartition('/')[2]}"

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        path = f"{self._root}/{ask.name}"
        try:
            if ask.kind is Kind.ZIP:
                return await self._zip(ask, path, terms)
            data, written = await self._blocking.call(_read, path, self._sizes.of(ask.kind))
        except (OSError, Stuck) as error:
            raise await self._meaning(error, ask) from error
        data, version = formed(ask, data, self.name)
        return Answer(ask, Ready(data), version=version, fetched=written, source=self.name)

    async def _zip(self, ask: Ask, path: str, terms: Terms) -> Answer:
        descriptor, size = await self._blocking.call(_open, path, discard=_close)
        chunks = self._chunks(descriptor, ask)
        await anext(chunks)
        if size > self._sizes.zip:
            await chunks.aclose()
            reason = f"has a zip of {size} bytes; {self._sizes.zip} are allowed"
            raise Corrupt(asked=str(ask), source=self.name, reason=reason)
        if not terms.body:
            await chunks.aclose()
        return Answer(ask, Arriving(chunks, size=size, url=self.name), version=ask.version, source=self.name)

    async def _chunks(self, descriptor: int, ask: Ask) -> AsyncGenerator[bytes, None]:
        """The first piece is empty, for a generator that was never begun does not close the file."""
        reading = _Reading(descriptor)
        try:
            yield b""
            while chunk := await self._blocking.call(reading.read):
                yield chunk
        except (OSError, Stuck) as error:
            raise await self._meaning(error, ask) from error
        finally:
            reading.close()

    async def _meaning(self, error: OSError | Stuck, ask: Ask) -> GatewayError:
        """ENOENT is 404, EACCES is 403, as in the go command; everything else is trouble."""
        asked, source = str(ask), self.name
        match error:
            case Stuck():
                return Unavailable(asked=asked, source=source, reason=str(error), trouble=Trouble.TIMEOUT)
            case FileNotFoundError() if not await self._is_there():
                gone = "the directory itself is not there: is its file system mounted?"
                return Unavailable(asked=asked, source=source, reason=gone, trouble=Trouble.CONNECTION)
            case FileNotFoundError() | NotADirectoryError() | IsADirectoryError():
                return Absent(asked=asked, source=source, reason=_words(error))
            case PermissionError():
                return Forbidden(asked=asked, source=source, reason=_words(error))
        return Unavailable(asked=asked, source=source, reason=_words(error), trouble=Trouble.CONNECTION)

    async def _is_there(self) -> bool:
        with suppress(Stuck):
            return await self._blocking.call(os.path.isdir, self._root or "/")
        return False


class _Reading:
    """A descriptor that is closed when nobody reads from it any more: a read that hangs must not end in another file
    that has got its number since."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._turn = threading.Lock()
        self._closed = False

    def read(self) -> bytes:
        """In a thread: the next piece."""
        with self._turn:
            data = os.read(self._descriptor, PIECE)
        if self._closed:
            self.close()
        return data

    def close(self) -> None:
        """Now, or when the read that is under way has come back."""
        self._closed = True
        if self._turn.acquire(blocking=False):
            with suppress(OSError):
                _close((self._descriptor, 0))
            # Not given back: there is nothing to read from any more.


def _words(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def _close(opened: tuple[int, int]) -> None:
    os.close(opened[0])


def _open(path: str) -> tuple[int, int]:
    """A descriptor and the size of a file."""
    descriptor = os.open(path, os.O_RDONLY)
    status = os.fstat(descriptor)
    if stat.S_ISDIR(status.st_mode):
        os.close(descriptor)
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return descriptor, status.st_size


def _read(path: str, most: int) -> tuple[bytes, float]:
    """The content of a file, and when it was written, in seconds since the epoch."""
    with open(path, "rb") as file:
        data, written = file.read(most + 1), os.fstat(file.fileno()).st_mtime
    if len(data) > most:
        raise OSError(None, f"larger than the {most} bytes that are allowed")
    return data, written

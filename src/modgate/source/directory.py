"""A directory with the layout of a GOPROXY file tree, or of $GOMODCACHE/cache/download (protocol.md §1.7)."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import AsyncGenerator
from contextlib import suppress

from modgate.errors import Absent, Corrupt, Forbidden, GatewayError, Trouble, Unavailable
from modgate.source.base import Answer, Arriving, Ask, Kind, Ready, Terms
from modgate.source.goproxy import Sizes
from modgate.source.wellformed import formed

PIECE = 262144
"""Bytes read at once, in a thread: the directory may lie on a network file system that hangs."""


class Directory:
    """A `file://` member of a chain. Its files may change; it is asked like any upstream."""

    def __init__(self, root: str, sizes: Sizes) -> None:
        """`root` is an absolute path."""
        self._root = root.rstrip("/")
        self._sizes = sizes

    @property
    def name(self) -> str:
        """The last element only: clients see it in texts, and no path of this server is their business."""
        return f"file://.../{self._root.rpartition('/')[2]}"

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        path = f"{self._root}/{ask.name}"
        try:
            if ask.kind is Kind.ZIP:
                return await self._zip(ask, path, terms)
            data = await asyncio.to_thread(_read, path, self._sizes.of(ask.kind))
        except OSError as error:
            raise self._meaning(error, ask) from error
        data, version = formed(ask, data, self.name)
        return Answer(ask, Ready(data), version=version, source=self.name)

    async def _zip(self, ask: Ask, path: str, terms: Terms) -> Answer:
        descriptor, size = await asyncio.to_thread(_open, path)
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
        try:
            yield b""
            while chunk := await asyncio.to_thread(os.read, descriptor, PIECE):
                yield chunk
        except OSError as error:
            raise self._meaning(error, ask) from error
        finally:
            with suppress(OSError):
                os.close(descriptor)

    def _meaning(self, error: OSError, ask: Ask) -> GatewayError:
        """ENOENT is 404, EACCES is 403, as in the go command; everything else is trouble."""
        reason = (error.strerror or type(error).__name__).lower()
        match error:
            case FileNotFoundError() if not os.path.isdir(self._root):
                gone = "the directory itself is not there: is its file system mounted?"
                return Unavailable(asked=str(ask), source=self.name, reason=gone, trouble=Trouble.CONNECTION)
            case FileNotFoundError() | NotADirectoryError() | IsADirectoryError():
                return Absent(asked=str(ask), source=self.name, reason=reason)
            case PermissionError():
                return Forbidden(asked=str(ask), source=self.name, reason=reason)
            case _:
                return Unavailable(asked=str(ask), source=self.name, reason=reason, trouble=Trouble.CONNECTION)


def _open(path: str) -> tuple[int, int]:
    """A descriptor and the size of a file."""
    descriptor = os.open(path, os.O_RDONLY)
    status = os.fstat(descriptor)
    if stat.S_ISDIR(status.st_mode):
        os.close(descriptor)
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return descriptor, status.st_size


def _read(path: str, most: int) -> bytes:
    with open(path, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(None, f"larger than the {most} bytes that are allowed")
    return data

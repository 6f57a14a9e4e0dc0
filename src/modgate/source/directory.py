"""A directory with the layout of a GOPROXY file tree, or of $GOMODCACHE/cache/download (protocol.md §1.7)."""

from __future__ import annotations

import asyncio
import os
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
        return f"file://{self._root}"

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
        descriptor = await asyncio.to_thread(os.open, path, os.O_RDONLY)
        size = os.fstat(descriptor).st_size
        if size > self._sizes.zip or not terms.body:
            os.close(descriptor)
        if size > self._sizes.zip:
            raise Corrupt(
                asked=str(ask), source=self.name, reason=f"has a zip of {size} bytes; {self._sizes.zip} are allowed"
            )
        chunks = self._chunks(descriptor, ask) if terms.body else _nothing()
        return Answer(ask, Arriving(chunks, size=size, url=self.name), version=ask.version, source=self.name)

    async def _chunks(self, descriptor: int, ask: Ask) -> AsyncGenerator[bytes, None]:
        try:
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
            case FileNotFoundError() | NotADirectoryError() | IsADirectoryError():
                return Absent(asked=str(ask), source=self.name, reason=reason)
            case PermissionError():
                return Forbidden(asked=str(ask), source=self.name, reason=reason)
            case _:
                return Unavailable(asked=str(ask), source=self.name, reason=reason, trouble=Trouble.CONNECTION)


async def _nothing() -> AsyncGenerator[bytes, None]:
    return
    yield b""


def _read(path: str, most: int) -> bytes:
    with open(path, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(None, f"larger than the {most} bytes that are allowed")
    return data

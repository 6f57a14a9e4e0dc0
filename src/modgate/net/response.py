"""Responses of upstreams.

Bodies arrive as they were sent (`auto_decompress=False`): every other client decompresses by default, and a
decompressed zip has another length and hash.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modgate.errors import Trouble, Unavailable
from modgate.net.broken import broken
from modgate.net.encoding import Undecodable, gunzipped
from modgate.net.limits import Deadlines
from modgate.observe.metrics import Counter

if TYPE_CHECKING:
    import aiohttp

SMALL = 65536
"""Bytes: smaller pieces are worth waiting for more of them (cache/pace.py does), so that after one the next ones are
left to the kernel until they are asked for. Ten zips at 8 MB/s each were 6,200 reads a second of some 12 KB, which were
handled together afterwards; so they are 1,900."""


@dataclass(slots=True)
class Response:
    """A status line, headers and a body that is read once."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    url: str
    """That answered, after redirects; without credentials and query."""
    upstream: str
    way: str
    """By which proxy it came, without a password; `direct` is without one."""
    _raw: aiohttp.ClientResponse
    _deadlines: Deadlines
    _fetched: Counter

    @property
    def length(self) -> int | None:
        """Of the body as it will be read, where the upstream says it."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isdecimal() and not self.encoded else None

    @property
    def encoded(self) -> bool:
        # Some servers write an empty header where they mean none.
        return self.headers.get("content-encoding", "").strip().lower() not in ("", "identity")

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces, decoded.

        Raises:
            Unavailable: it broke off, came too slowly, or is not what its encoding says.
        """
        try:
            if not self.encoded:
                async for chunk in self._pieces():
                    yield chunk
            elif self.headers["content-encoding"].strip().lower() in ("gzip", "x-gzip"):
                async for chunk in gunzipped(self._pieces()):
                    yield chunk
            else:
                encoding = self.headers["content-encoding"]
                raise Undecodable(f"has the content encoding {encoding!r}, which nobody asked for")
        except Undecodable as error:
            raise Unavailable(source=self.upstream, reason=f"sent a body that {error}", again=True) from error

    async def read(self, most: int) -> bytes:
        """The whole body.

        Raises:
            Unavailable: as `chunks`, or longer than `most` bytes.
        """
        pieces, size = [], 0
        async for chunk in self.chunks():
            pieces.append(chunk)
            size += len(chunk)
            if size > most:
                raise Unavailable(source=self.upstream, reason=f"sent more than the {most} bytes that are allowed here")
        return b"".join(pieces)

    async def _pieces(self) -> AsyncIterator[bytes]:
        content = self._raw.content
        while not content.at_eof():
            try:
                # What is here needs no deadline: small bodies mostly come with their head.
                chunk = content.read_nowait()
                if not chunk:
                    async with asyncio.timeout(self._deadlines.idle):
                        chunk = await content.readany()
            except TimeoutError as error:
                reason = f"sent nothing for {self._deadlines.idle:g} s in the middle of a body"
                raise Unavailable(source=self.upstream, reason=reason, trouble=Trouble.TIMEOUT, again=True) from error
            except Exception as error:
                raise broken(self.upstream, error, "broke off in the middle of a body") from error
            if not chunk:
                continue
            self._fetched.add(len(chunk))
            transport = self._transport() if len(chunk) < SMALL and not content.is_eof() else None
            if transport is None:
                yield chunk
                continue
            transport.pause_reading()
            yield chunk
            if not transport.is_closing():
                transport.resume_reading()

    def _transport(self) -> asyncio.Transport | None:
        """That of the connection, as long as it is ours and alive."""
        transport = self._raw.connection.transport if self._raw.connection is not None else None
        return None if transport is None or transport.is_closing() or not transport.is_reading() else transport

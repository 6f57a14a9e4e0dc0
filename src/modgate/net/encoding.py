"""Content encodings of responses. We ask for identity; some servers compress all the same."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator

STEP = 262144
"""Bytes that one step of decoding may produce: a compressed bomb is never held in memory."""
GZIP = 16 + zlib.MAX_WBITS
"""zlib's way to say: with a gzip header and trailer."""


class Undecodable(Exception):
    """The body is not what its Content-Encoding says."""


async def gunzipped(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The decoded pieces, each at most 256 KiB. A stream may have several members (RFC 1952 §2.2).

    Raises:
        Undecodable: the data are no gzip, or end too early.
    """
    decoder = zlib.decompressobj(GZIP)
    async for chunk in chunks:
        data = chunk
        while data:
            if decoder.eof:
                decoder = zlib.decompressobj(GZIP)
                await asyncio.sleep(0)  # thousands of empty members fit into one chunk: others have their turn
            try:
                piece = decoder.decompress(data, STEP)
            except zlib.error as error:
                raise Undecodable(f"is no valid gzip ({error})") from error
            if piece:
                yield piece
            data = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
    if not decoder.eof:
        raise Undecodable("ended within its gzip stream")

"""gzip is undone piece by piece, and what does not unpack is never taken for the whole."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.net.encoding import STEP, Undecodable, gunzipped


async def pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def unpacked(data: bytes, size: int = 1000) -> bytes:
    return b"".join([piece async for piece in gunzipped(pieces(data, size))])


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=5), st.integers(1, 50))
async def test_members_are_joined_however_the_pieces_fall(members: list[bytes], size: int) -> None:
    assert await unpacked(b"".join(map(gzip.compress, members)), size) == b"".join(members)


@given(st.binary(min_size=1, max_size=200), st.integers(1, 50), st.data())
async def test_every_prefix_is_an_error(content: bytes, size: int, data: st.DataObject) -> None:
    packed = gzip.compress(content, mtime=0)
    end = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(Undecodable):
        await unpacked(packed[:end], size)


@pytest.mark.parametrize(
    "junk", [b"junk", b"\0\0", gzip.compress(b"x", mtime=0)[:-1]], ids=["text", "zeros", "half a member"]
)
async def test_junk_behind_the_last_member_is_an_error(junk: bytes) -> None:
    with pytest.raises(Undecodable):
        await unpacked(gzip.compress(b"content", mtime=0) + junk)


async def test_a_bomb_comes_in_small_pieces() -> None:
    sizes = [len(piece) async for piece in gunzipped(pieces(gzip.compress(bytes(20 * STEP)), 10_000))]
    assert max(sizes) <= STEP
    assert sum(sizes) == 20 * STEP

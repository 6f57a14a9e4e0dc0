"""An entry's content is counted and hashed as it is inflated, and never held in memory as a whole."""

import hashlib
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.errors import Malformed
from modgate.gomod.modzip import DEFLATED, STORED
from modgate.gomod.zipcontent import Content

MIB = 1024 * 1024


def deflated(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


@given(st.binary(max_size=3000), st.binary(max_size=50), st.integers(1, 4000))
def test_deflated_content_tells_where_it_ends(data: bytes, behind: bytes, piece: int) -> None:
    content = Content("a", DEFLATED, limit=3000)
    stream = deflated(data)
    used = 0
    for at in range(0, len(stream + behind), piece):
        used += content.feed((stream + behind)[at : at + piece])
        if content.complete:
            break
    assert content.complete
    assert used == len(stream)
    assert (content.size, content.crc, content.sha256) == (
        len(data),
        zlib.crc32(data),
        hashlib.sha256(data).hexdigest(),
    )


def test_stored_content_is_taken_as_it_is() -> None:
    content = Content("a", STORED, limit=10)
    assert content.complete
    assert content.feed(b"hello ") == 6
    assert content.feed(memoryview(b"you")) == 3
    assert (content.size, content.sha256) == (9, hashlib.sha256(b"hello you").hexdigest())


@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_content_beyond_the_limit_is_refused(method: int) -> None:
    data = b"x" * 11
    content = Content("big.go", method, limit=10)
    with pytest.raises(Malformed, match="more than 10 bytes"):
        content.feed(data if method == STORED else deflated(data))


def test_damaged_content_is_refused() -> None:
    with pytest.raises(Malformed, match="damaged"):
        Content("a", DEFLATED, limit=10).feed(b"\xff\xff\xff")


def test_content_that_is_cut_off_is_not_complete() -> None:
    content = Content("a", DEFLATED, limit=100)
    stream = deflated(b"hello world")
    assert content.feed(stream[:-1]) == len(stream) - 1
    assert not content.complete


def test_a_bomb_of_64_mib_takes_less_than_2_mib_of_memory() -> None:
    bomb = deflated(bytes(64 * MIB))
    content = Content("a", DEFLATED, limit=64 * MIB)
    tracemalloc.start()
    content.feed(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert content.complete
    assert content.size == 64 * MIB
    assert peak < 2 * MIB

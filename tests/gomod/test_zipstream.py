"""A zip is hashed entry by entry while it arrives, as far as that can be done from front to back."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.gomod.modzip import ZipLimits
from modgate.gomod.zipstream import Streamed, ZipHasher
from tests.gomod.zips import SIMPLE, File, make_zip, module_zip, patched

DEFLATED_FILES = [File("a", b"one" * 1000), File("empty"), File("d/", method=0), File("b", b"two")]
STORED_FILES = [File("a", b"one" * 1000, method=0), File("empty", method=0), File("b", b"two", method=0)]


def stream(data: bytes, piece: int = 1000, limits: ZipLimits | None = None) -> ZipHasher:
    hasher = ZipHasher(limits) if limits else ZipHasher()
    for at in range(0, len(data), piece):
        hasher.feed(data[at : at + piece])
    return hasher


def contents(hasher: ZipHasher) -> list[tuple[str, str]]:
    return [(entry.name, entry.sha256) for entry in hasher.results.values()]


def expected(files: list[File]) -> list[tuple[str, str]]:
    return [(file.name, hashlib.sha256(file.content).hexdigest()) for file in files]


@pytest.mark.parametrize("piece", [1, 7, 100, 100_000])
@pytest.mark.parametrize(
    ("files", "descriptors"), [(DEFLATED_FILES, True), (DEFLATED_FILES, False), (STORED_FILES, False)]
)
def test_every_entry_is_found_whatever_the_pieces(files: list[File], descriptors: bool, piece: int) -> None:
    if descriptors:
        files = [file for file in files if not file.name.endswith("/")]
    data = make_zip(files, descriptors=descriptors)
    hasher = stream(data, piece)
    assert contents(hasher) == expected(files)
    assert hasher.whole_sha256 == hashlib.sha256(data).hexdigest()
    assert hasher.size == len(data)


def test_zip64_sizes_are_understood() -> None:
    files = [File("a", b"one", zip64=True), File("b", b"two" * 99, zip64=True), File("c", zip64=True), File("d")]
    assert contents(stream(make_zip(files, descriptors=True))) == expected(files)
    assert contents(stream(make_zip(files, descriptors=False))) == expected(files)


def test_a_result_says_all_that_can_be_compared() -> None:
    data = make_zip([File("a", b"xyz", method=0), File("b")], descriptors=False)
    assert stream(data).results[0] == Streamed(
        "a", 0, 0, 3, 3, 0xEB8EBA67, hashlib.sha256(b"xyz").hexdigest(), end=30 + 1 + 3
    )
    assert list(stream(data).results) == [0, 34]


def test_a_stored_entry_of_unknown_length_ends_the_streaming_quietly() -> None:
    data = make_zip([File("a", b"one"), File("b", b"two", method=0), File("c", b"three")])
    hasher = stream(data)
    assert [name for name, _ in contents(hasher)] == ["a"]
    assert hasher.whole_sha256 == hashlib.sha256(data).hexdigest()


ZIP = make_zip([File("a", b"one" * 100), File("b", b"two" * 100), File("c", b"three" * 100)])
PLAIN = make_zip([File("a", b"one" * 100), File("b", b"two" * 100), File("c", b"three" * 100)], descriptors=False)


@pytest.mark.parametrize(
    "data",
    [
        patched(ZIP, b"PK\x07\x08", b"PK\x07\x09"),
        PLAIN[:31] + b"\xff" + PLAIN[32:],
        patched(PLAIN, PLAIN[14:18], b"\x00\x00\x00\x00"),
        patched(PLAIN, PLAIN[22:26], b"\x2d\x01\x00\x00"),
        patched(PLAIN, PLAIN[18:22], b"\xff\x00\x00\x00"),
        patched(PLAIN, PLAIN[18:22], b"\x01\x00\x00\x00"),
        patched(PLAIN, PLAIN[18:22], b"\xff\xff\xff\xff"),
        b"junk" + ZIP,
        b"",
        b"PK",
    ],
)
def test_at_the_first_odd_thing_streaming_ends_quietly(data: bytes) -> None:
    hasher = stream(data)
    assert hasher.results == {}
    assert hasher.whole_sha256 == hashlib.sha256(data).hexdigest()


def test_streaming_ends_at_its_limits() -> None:
    assert len(stream(ZIP).results) == 3
    assert len(stream(ZIP, limits=ZipLimits(entries=2)).results) == 2
    assert len(stream(ZIP, limits=ZipLimits(uncompressed_bytes=600)).results) == 2
    assert len(stream(ZIP, limits=ZipLimits(directory_bytes=1)).results) == 1


@given(st.binary(max_size=200), st.integers(1, 50))
def test_no_bytes_whatever_make_it_fail(junk: bytes, piece: int) -> None:
    for data in (junk, b"PK\x03\x04" + junk, module_zip(SIMPLE)[:60] + junk):
        assert stream(data, piece).size == len(data)

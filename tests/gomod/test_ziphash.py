"""A zip has the h1 that Go gives it, however it was fed, or is refused."""

import hashlib
import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.errors import Malformed
from modgate.gomod.dirhash import h1
from modgate.gomod.modzip import ZipLimits
from modgate.gomod.paths import check_path
from modgate.gomod.ziphash import ZipSum, hash_zip
from modgate.gomod.zipstream import Streamed, ZipHasher
from tests.gomod.zips import (
    EMPTY_H1,
    PATH,
    PREFIX,
    SIMPLE,
    SIMPLE_H1,
    VERSION,
    File,
    make_zip,
    module_zip,
    patched,
    reading,
)


def fed(data: bytes, pieces: list[int]) -> ZipHasher:
    """Feed `data` in pieces of these sizes, over and over."""
    hasher = ZipHasher()
    at = turn = 0
    while at < len(data):
        piece = pieces[turn % len(pieces)]
        hasher.feed(data[at : at + piece])
        at += piece
        turn += 1
    return hasher


def judged(data: bytes, streamed: dict[int, Streamed] | None = None) -> ZipSum:
    return hash_zip(reading(data), len(data), PATH, VERSION, streamed or {})


def reference_h1(data: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return h1((name, hashlib.sha256(archive.read(name)).hexdigest()) for name in archive.namelist())


@pytest.mark.parametrize("descriptors", [True, False])
@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (SIMPLE, SIMPLE_H1),
        ({}, EMPTY_H1),
        ({"go.mod/a.go": b"package a\n"}, "h1:Mun5l9cBlDnnV6JasTpio2aZJSbFj++h+814mnKC/OM="),
    ],
)
def test_a_zip_has_the_hash_that_go_gives_it(files: dict[str, bytes], expected: str, descriptors: bool) -> None:
    data = module_zip(files, descriptors=descriptors)
    assert judged(data) == ZipSum(expected, len(files))
    assert judged(data, fed(data, [10]).results) == ZipSum(expected, len(files))


def test_directory_entries_count_with_empty_content_as_in_go() -> None:
    data = make_zip(
        [File(PREFIX + "d/", method=0), File(PREFIX + "d/x", b"x"), File(PREFIX, method=0)], descriptors=False
    )
    assert judged(data) == ZipSum(reference_h1(data), 3)
    assert judged(data, fed(data, [10]).results) == judged(data)


names = st.sampled_from(["go.mod", "a.go", "d/b.go", "d/e/c.go", "ü.txt", "x", "LICENSE", "long/" + "n" * 300])
files = st.dictionaries(
    names,
    st.tuples(
        st.one_of(st.binary(max_size=200), st.integers(0, 70_000).map(lambda n: b"line\n" * n)),
        st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
        st.booleans(),
    ),
    max_size=5,
)


# The standard library refuses a zip whose comment has this in it, whatever it means there.
comments = st.binary(max_size=20).filter(lambda comment: b"PK\x05\x06" not in comment)


@given(files, st.booleans(), comments, st.lists(st.integers(1, 5000), min_size=1, max_size=5))
def test_streaming_and_reading_agree_with_the_standard_library(
    files: dict[str, tuple[bytes, int, bool]], descriptors: bool, comment: bytes, pieces: list[int]
) -> None:
    written = [File(PREFIX + name, content, method, zip64) for name, (content, method, zip64) in files.items()]
    data = make_zip(written, descriptors=descriptors, comment=comment)
    expected = ZipSum(reference_h1(data), len(files))
    hasher = fed(data, pieces)
    assert judged(data) == expected
    assert judged(data, hasher.results) == expected
    assert hasher.whole_sha256 == hashlib.sha256(data).hexdigest()


ZIP = module_zip(SIMPLE)
PLAIN = module_zip(SIMPLE, descriptors=False)
STORED = make_zip([File(PREFIX + name, content, method=0) for name, content in SIMPLE.items()], descriptors=False)


@given(st.integers(0, len(ZIP) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_changes_nothing_that_is_hashed(at: int, change: int) -> None:
    data = ZIP[:at] + bytes([ZIP[at] ^ change]) + ZIP[at + 1 :]
    for streamed in ({}, fed(data, [50]).results):
        try:
            assert judged(data, streamed).h1 == SIMPLE_H1
        except Malformed:
            continue


@given(st.integers(0, len(ZIP) - 1))
def test_a_cut_file_is_refused(length: int) -> None:
    with pytest.raises(Malformed):
        judged(ZIP[:length])
    with pytest.raises(Malformed):
        # It was longer when its size was asked.
        hash_zip(reading(ZIP[:length]), len(ZIP), PATH, VERSION, {})


def directory_of(data: bytes) -> int:
    return int(struct.unpack("<L", data[-6:-2])[0])


def with_directory_field(data: bytes, entry_name: str, at: int, value: bytes) -> bytes:
    """Change a field of an entry in the central directory; `at` counts from the start of its header."""
    start = data.index(entry_name.encode(), directory_of(data)) - 46 + at
    return data[:start] + value + data[start + len(value) :]


NAME = PREFIX + "m.go"
FIRST = PLAIN.index(b"go.mod") + len(b"go.mod")
"""Where the content of go.mod begins."""
SECOND = PLAIN.index(b"PK\x03\x04", 4)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (patched(PLAIN, b"m@v1.0.0/m.go", b"m@v1.0.0/n.go"), "names another file or method"),
        (patched(PLAIN, b"m@v1.0.0/m.go", b"m@v1.0.0/n.go", last=True), "names another file or method"),
        (with_directory_field(PLAIN, NAME, 10, b"\x00\x00"), "its two sizes differ"),
        (with_directory_field(STORED, NAME, 10, b"\x08\x00"), "names another file or method"),
        (with_directory_field(PLAIN, NAME, 16, b"\x00\x00\x00\x00"), "another length or checksum"),
        (with_directory_field(STORED, NAME, 16, b"\x01\x02\x03\x04"), "another length or checksum"),
        (with_directory_field(ZIP, NAME, 16, b"\x01\x02\x03\x04"), "another length or checksum"),
        (with_directory_field(PLAIN, NAME, 24, b"\x05\x00\x00\x00"), "more than 5 bytes"),
        (with_directory_field(PLAIN, NAME, 24, b"\xff\x00\x00\x00"), "another length or checksum"),
        (with_directory_field(PLAIN, NAME, 20, b"\xff\x00\x00\x00"), "overlaps"),
        (with_directory_field(PLAIN, NAME, 20, b"\x01\x00\x00\x00"), "another length or checksum"),
        (with_directory_field(PLAIN, NAME, 8, b"\x08\x00"), "overlaps"),
        (with_directory_field(PLAIN, NAME, 42, b"\x00\x00\x00\x00"), "no local header"),
        (with_directory_field(PLAIN, NAME, 42, b"\x01\x00\x00\x00"), "no local header"),
        (with_directory_field(PLAIN, NAME, 8, b"\x01\x00"), "encrypted"),
        (patched(ZIP, b"PK\x07\x08", b"PK\x07\x09"), "checksum behind its content"),
        (PLAIN[:FIRST] + b"\xff" + PLAIN[FIRST + 1 :], "compressed content is damaged"),
        (STORED[:FIRST] + b"M" + STORED[FIRST + 1 :], "another length or checksum"),
    ],
)
def test_where_local_header_content_and_directory_disagree_the_zip_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        judged(data)
    with pytest.raises(Malformed, match=why):
        judged(data, fed(data, [50]).results)


def test_a_gap_before_an_entrys_content_does_not_hide_a_longer_stream() -> None:
    # A second copy of the directory's last entry begins inside of the first: Go would read both.
    overlapping = with_directory_field(PLAIN, PREFIX + "go.mod", 20, struct.pack("<L", SECOND))
    with pytest.raises(Malformed, match="overlaps"):
        judged(overlapping)


def test_compressed_content_that_ends_before_its_length_is_refused() -> None:
    body = b"\x03\x00"
    local = (
        struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, 5, 0, len(NAME), 0) + NAME.encode() + body + b"???"
    )
    header = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, 0, 5, 0, len(NAME), 0, 0, 0, 0, 0, 0)
    directory = header + NAME.encode()
    end = struct.pack("<4s4HLLH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), len(local), 0)
    with pytest.raises(Malformed, match="ends too early"):
        judged(local + directory + end)


@pytest.mark.parametrize("field", range(len(Streamed._fields)))
def test_a_streamed_hash_counts_only_where_it_agrees_with_the_directory(field: int) -> None:
    wrong = {at: found._replace(sha256="0" * 64) for at, found in fed(ZIP, [50]).results.items()}
    assert judged(ZIP, wrong).h1 != SIMPLE_H1
    other = Streamed("other", 0, 0, 1, 1, 1, "1" * 64, end=10_000)
    mixed = {at: Streamed._make([*found[:field], other[field], *found[field + 1 :]]) for at, found in wrong.items()}
    assert (judged(ZIP, mixed).h1 == SIMPLE_H1) is (Streamed._fields[field] != "sha256")


def test_nothing_is_read_again_where_streaming_saw_everything() -> None:
    asked: list[tuple[int, int]] = []

    def read(offset: int, length: int) -> bytes:
        asked.append((offset, length))
        return ZIP[offset : offset + length]

    start = directory_of(ZIP)
    hash_zip(read, len(ZIP), PATH, VERSION, fed(ZIP, [50]).results)
    assert asked == [(0, len(ZIP)), (start, len(ZIP) - 22 - start)]


def test_the_limits_hold_before_anything_large_is_read() -> None:
    def nothing(offset: int, length: int) -> bytes:
        raise AssertionError

    with pytest.raises(Malformed, match="more than the allowed"):
        hash_zip(nothing, 500 * 1024 * 1024 + 1, PATH, VERSION, {})
    for limits in (ZipLimits(entries=2), ZipLimits(directory_bytes=100)):
        with pytest.raises(Malformed, match="more than the allowed"):
            hash_zip(reading(ZIP), len(ZIP), PATH, VERSION, {}, limits)


def test_a_zip_of_another_module_is_refused() -> None:
    with pytest.raises(Malformed, match="does not begin with"):
        hash_zip(reading(ZIP), len(ZIP), check_path("example.com/n"), VERSION, {})

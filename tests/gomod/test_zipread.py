"""The central directory is found where every reader finds it, or not at all."""

import struct

import pytest

from modgate.errors import Malformed
from modgate.gomod.zipread import TAIL_BYTES, Directory, find_end, parse_directory
from tests.gomod.zips import PREFIX, SIMPLE, File, make_zip, module_zip, patched

ZIP = module_zip(SIMPLE)
END = ZIP[-22:]
DIRECTORY_BYTES, DIRECTORY_OFFSET = struct.unpack("<LL", END[12:20])
DIRECTORY = ZIP[DIRECTORY_OFFSET:-22]


def read_names(data: bytes) -> list[str]:
    directory = find_end(data[-TAIL_BYTES:], len(data))
    entries = parse_directory(data[directory.offset :][: directory.size], directory)
    return [entry.name for entry in entries]


def zip64_of(
    data: bytes, *, extension: bytes = b"", plain: tuple[int, int, int] = (0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
) -> bytes:
    """Give a zip with an empty comment zip64 end records, as writers do for more than 65,534 entries."""
    count, length, offset = struct.unpack("<HLL", data[-12:-2])
    end = len(data) - 22
    end64 = struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44 + len(extension), 45, 45, 0, 0, count, count, length, offset)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    short = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, plain[0], *plain, 0)
    return data[:end] + end64 + extension + locator + short


def test_the_entries_are_those_that_were_written() -> None:
    assert read_names(ZIP) == [PREFIX + name for name in SIMPLE]
    directory = find_end(ZIP, len(ZIP))
    assert directory == Directory(DIRECTORY_OFFSET, DIRECTORY_BYTES, len(SIMPLE))
    first = parse_directory(DIRECTORY, directory)[0]
    assert (first.offset, first.size, first.method, first.flags) == (0, len(SIMPLE["go.mod"]), 8, 8)
    assert not first.is_directory


@pytest.mark.parametrize("comment", [b"", b"c", b"\x00" * 65535])
def test_a_comment_at_the_end_is_passed_over(comment: bytes) -> None:
    data = make_zip([File("a"), File("b/", method=0)], comment=comment)
    assert read_names(data) == ["a", "b/"]


def test_an_empty_zip_has_no_entries() -> None:
    assert read_names(make_zip([])) == []


@pytest.mark.parametrize(
    "data",
    [
        zip64_of(ZIP),
        zip64_of(ZIP, extension=b"x" * 8),
        zip64_of(ZIP, plain=(len(SIMPLE), 0xFFFFFFFF, DIRECTORY_OFFSET)),
        zip64_of(ZIP, plain=(0xFFFF, DIRECTORY_BYTES, DIRECTORY_OFFSET)),
    ],
)
def test_zip64_end_records_are_read(data: bytes) -> None:
    assert read_names(data) == [PREFIX + name for name in SIMPLE]


@pytest.mark.parametrize("descriptors", [True, False])
def test_zip64_sizes_of_an_entry_are_read(descriptors: bool) -> None:
    assert read_names(make_zip([File("a", b"x", zip64=True)], descriptors=descriptors)) == ["a"]


def wide(size: int, compressed: int, offset: int, extra: bytes, *, disk: int = 0) -> bytes:
    """The directory of one entry with these fields."""
    numbers = (45, 45, 0, 8, 0, 0, 7, compressed, size, 1, len(extra), 0, disk, 0, 0, offset)
    header = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", *numbers)
    return header + b"a" + extra


def test_full_fields_are_looked_up_in_the_zip64_extra_field_in_their_order() -> None:
    extra = b"\x99\x99\x02\x00??" + struct.pack("<HHQQQ", 1, 24, 5, 6, 0)
    data = wide(0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, extra)
    (entry,) = parse_directory(data, Directory(1000, len(data), 1))
    assert (entry.size, entry.compressed_size, entry.offset, entry.crc) == (5, 6, 0, 7)
    data = wide(3, 0xFFFFFFFF, 0, struct.pack("<HHQ", 1, 8, 6))
    (entry,) = parse_directory(data, Directory(1000, len(data), 1))
    assert (entry.size, entry.compressed_size, entry.offset) == (3, 6, 0)


@pytest.mark.parametrize(
    "extra", [b"", b"\x01\x00\x04\x00aaaa", b"\x01\x00\x08\x00aaaa", b"\x02\x00\x08\x00aaaaaaaa", b"\x01"]
)
def test_full_fields_without_their_values_are_refused(extra: bytes) -> None:
    data = wide(1, 0xFFFFFFFF, 0, extra)
    with pytest.raises(Malformed, match="zip64 extra field"):
        parse_directory(data, Directory(1000, len(data), 1))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no zip file"),
        (b"PK\x05\x06", "no zip file"),
        (b"<html>not found</html>" * 10, "no zip file"),
        (ZIP[:-1], "no zip file"),
        (ZIP[:-30], "no zip file"),
        (ZIP + b"\x00", "not at the end"),
        (ZIP + b"trailing" * 100, "not at the end"),
        (ZIP + END, "does not end where"),
        (patched(ZIP, END, END[:-2] + b"\x05\x00"), "not at the end"),
        (b"#!/bin/sh\n" + ZIP, "does not end where"),
        (ZIP[:DIRECTORY_OFFSET] + b"gap" + ZIP[DIRECTORY_OFFSET:], "does not end where"),
        (ZIP[:-22] + b"gap" + END, "does not end where"),
        (b"before" + struct.pack("<4s4HLLH", b"PK\x05\x06", 0, 0, 0, 0, 0, 6, 0), "it has no entries"),
        (patched(ZIP, END, END[:4] + b"\x01" + END[5:]), "one part of"),
        (patched(ZIP, END, END[:6] + b"\x01" + END[7:]), "one part of"),
        (patched(ZIP, END, END[:8] + b"\x02" + END[9:]), "one part of"),
        (patched(ZIP, END, END[:8] + b"\x02\x00\x02\x00" + END[12:]), "number of entries"),
        (patched(ZIP, END, END[:8] + b"\x04\x00\x04\x00" + END[12:]), "number of entries"),
        (patched(zip64_of(ZIP), b"PK\x06\x06", b"PK\x06\x08"), "damaged"),
        (patched(zip64_of(ZIP), b"PK\x06\x06\x2c", b"PK\x06\x06\x2d"), "damaged"),
        (patched(zip64_of(ZIP), b"PK\x06\x07\x00", b"PK\x06\x07\x01"), "one part of"),
        (patched(zip64_of(ZIP), b"PK\x06\x07", b"PK\x06\x09"), "does not end where"),
        (zip64_of(ZIP, plain=(0xFFFF, 0xFFFFFFFF, 7)), "contradicts"),
        (zip64_of(ZIP, plain=(9, 0xFFFFFFFF, 0xFFFFFFFF)), "contradicts"),
        (zip64_of(ZIP, plain=(len(SIMPLE), DIRECTORY_BYTES, DIRECTORY_OFFSET)), "does not end where"),
        (patched(ZIP, b"PK\x01\x02", b"PK\x01\x03"), "damaged"),
    ],
)
def test_where_readers_could_differ_the_file_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        read_names(data)


def test_a_name_that_is_not_utf_8_is_refused() -> None:
    data = patched(ZIP, b"m.go", b"\xff.go", last=True)
    with pytest.raises(Malformed, match="not UTF-8"):
        read_names(data)


def test_an_entry_behind_the_directory_is_refused() -> None:
    data = wide(1, 1, 1000, b"")
    with pytest.raises(Malformed, match="before the central directory"):
        parse_directory(data, Directory(1000, len(data), 1))


def test_an_entry_on_another_disk_is_refused() -> None:
    data = wide(1, 1, 0, b"", disk=1)
    with pytest.raises(Malformed, match="damaged"):
        parse_directory(data, Directory(1000, len(data), 1))


def test_something_before_the_first_entry_is_refused() -> None:
    data = wide(1, 1, 10, b"")
    with pytest.raises(Malformed, match="stands before it"):
        parse_directory(data, Directory(1000, len(data), 1))


@pytest.mark.parametrize("cut", [1, 10, 46, 60])
def test_a_directory_that_is_cut_off_is_refused(cut: int) -> None:
    short = DIRECTORY[:-cut]
    with pytest.raises(Malformed):
        parse_directory(short, Directory(DIRECTORY_OFFSET, len(DIRECTORY), len(SIMPLE)))
    with pytest.raises(Malformed):
        parse_directory(short, Directory(DIRECTORY_OFFSET, len(short), len(SIMPLE)))

"""What stands around the content of an entry is read as it was written."""

import struct

import pytest

from modgate.errors import Malformed
from modgate.gomod.ziplocal import LOCAL_BYTES, check_descriptor, descriptor_length, parse_local_header
from tests.gomod.zips import File, make_zip

NEXT = b"PK\x01\x02" + bytes(20)


@pytest.mark.parametrize("zip64", [True, False])
def test_a_local_header_names_sizes_and_checksum(zip64: bool) -> None:
    data = make_zip([File("name", b"hello", method=0, zip64=zip64)], descriptors=False)
    header = parse_local_header(data)
    assert header is not None
    assert (header.method, header.flags, header.name_bytes, header.crc) == (0, 0, 4, 0x3610A686)
    extra = data[LOCAL_BYTES + header.name_bytes : header.length]
    assert header.sizes("name", extra) == (5, 5)
    assert data[header.length :].startswith(b"hello")


def test_full_sizes_need_their_extra_field() -> None:
    header = parse_local_header(make_zip([File("name", b"hello", zip64=True)], descriptors=False))
    assert header is not None
    with pytest.raises(Malformed):
        header.sizes("name", b"")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"PK\x01\x02" + bytes(50), bytes(50)])
def test_other_bytes_are_no_local_header(data: bytes) -> None:
    assert parse_local_header(data) is None


@pytest.mark.parametrize(
    ("data", "fields", "length"),
    [
        (struct.pack("<4s3L", b"PK\x07\x08", 1, 2, 3) + NEXT, (1, 2, 3), 16),
        (struct.pack("<4sL2Q", b"PK\x07\x08", 1, 2, 3) + NEXT, (1, 2, 3), 24),
        (struct.pack("<4s3L", b"PK\x07\x08", 1, 2, 0) + NEXT, (1, 2, 0), 16),
        (struct.pack("<4sL2Q", b"PK\x07\x08", 1, 2, 0) + NEXT, (1, 2, 0), 24),
        (struct.pack("<4s3L", b"PK\x07\x08", 9, 2, 3) + NEXT, (1, 2, 3), 0),
        (struct.pack("<4s3L", b"PK\x07\x08", 1, 9, 3) + NEXT, (1, 2, 3), 0),
        (struct.pack("<4s3L", b"PK\x07\x08", 1, 2, 9) + NEXT, (1, 2, 3), 0),
        (struct.pack("<3L", 1, 2, 3) + NEXT, (1, 2, 3), 0),
    ],
)
def test_a_descriptor_is_as_long_as_what_it_says_allows(data: bytes, fields: tuple[int, int, int], length: int) -> None:
    assert descriptor_length(data[:24], *fields) == length


@pytest.mark.parametrize("signature", [b"PK\x07\x08", b""])
def test_a_descriptor_repeats_the_checksum(signature: bytes) -> None:
    check_descriptor(signature + struct.pack("<3L", 7, 0, 0), "a", 7)
    with pytest.raises(Malformed):
        check_descriptor(signature + struct.pack("<3L", 8, 0, 0), "a", 7)
    with pytest.raises(Malformed):
        check_descriptor(signature, "a", 7)

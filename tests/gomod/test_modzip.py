"""A zip with an entry that the go command refuses is refused, and by name."""

import time

import pytest

from modgate.errors import Malformed
from modgate.gomod.modzip import DEFLATED, GO_LIMITS, STORED, Entry, ZipLimits, check_entries
from modgate.gomod.paths import check_path
from tests.gomod.zips import PATH, PREFIX, VERSION

MIB = 1024 * 1024


def entry(name: str, size: int = 10, *, method: int = DEFLATED, flags: int = 0x8) -> Entry:
    return Entry(PREFIX + name, size, size, method, crc=1, offset=0, flags=flags)


def check(*entries: Entry, zip_size: int = 1000, limits: ZipLimits = GO_LIMITS) -> None:
    check_entries(PATH, VERSION, entries, zip_size, limits)


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["go.mod", "m.go", "cmd/hello/hello.go"],
        ["go.mod/a.go"],
        ["go.mod/"],
        ["vendor/x/y.go"],
        ["a/b", "a/c", "a/"],
        ["a/", "a/b", "a/"],
        ["a/b/", "a/"],
        ["übergröße.txt", "日本/語.go", "a b/(c).txt"],
        ["lower/go.sum", "LICENSE", "license.txt"],
        [""],
    ],
)
def test_what_the_go_command_unpacks_passes(names: list[str]) -> None:
    check(*(entry(name, 0 if name.endswith("/") or not name else 10) for name in names))


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["../x"], "ends in a dot"),
        (["a/../x"], "ends in a dot"),
        (["a/./x"], "ends in a dot"),
        (["/a"], "empty path element"),
        (["a//b"], "empty path element"),
        (["a//"], "empty path element"),
        (["bad.go'"], "invalid character"),
        (["a\\b"], "invalid character"),
        (["a\x00b"], "invalid character"),
        (["aux.go"], "reserved"),
        (["com1/x.go"], "reserved"),
        (["a☺"], "invalid character"),
        (["dup.go", "dup.go"], "twice"),
        (["d", "d"], "twice"),
        (["m.go", "M.GO"], "only in case from m.go"),
        (["K.go", "\N{KELVIN SIGN}.go"], "only in case"),
        (["s.go", "\N{LATIN SMALL LETTER LONG S}.go"], "only in case"),
        (["straße", "straẞe"], "only in case"),
        (["a/x", "A/y"], "only in case"),
        (["a/b/x", "a/B/y"], "only in case"),
        (["a/", "A/"], "only in case"),
        (["a", "A/x"], "only in case"),
        (["a.go", "a.go/b.go"], "both a file and a directory"),
        (["a.go/b.go", "a.go"], "both a file and a directory"),
        (["a/", "a"], "both a file and a directory"),
        (["GO.MOD"], "lower case"),
        (["Go.mod"], "lower case"),
        (["sub/go.mod"], "outside of the module's root"),
        (["go.mod", "b/GO.MOD"], "outside of the module's root"),
        (["go.mod/go.mod"], "outside of the module's root"),
    ],
)
def test_what_the_go_command_refuses_is_refused(names: list[str], why: str) -> None:
    with pytest.raises(Malformed, match=why):
        check(*(entry(name, 0 if name.endswith("/") else 10) for name in names))


@pytest.mark.parametrize(
    "name", ["noprefix", "example.com/m@v1.0.0", "example.com/m@v1.0.1/a", "Example.com/m@v1.0.0/a"]
)
def test_every_name_begins_with_path_and_version(name: str) -> None:
    with pytest.raises(Malformed, match=r"does not begin with example\.com/m@v1\.0\.0/"):
        check(entry("go.mod"), entry("x")._replace(name=name))


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("example.com/m", "v2.0.0"),
        ("example.com/m", "v1.0.0+bad"),
        ("example.com/m", "master"),
        ("example.com/m/v2", "v1.0.0"),
    ],
)
def test_the_version_is_canonical_and_fits_the_path(path: str, version: str) -> None:
    with pytest.raises(Malformed) as caught:
        check_entries(check_path(path), version, [], 22)
    assert caught.value.what == "version"


@pytest.mark.parametrize(
    ("entries", "zip_size", "ok"),
    [
        ([], 500 * MIB, True),
        ([], 500 * MIB + 1, False),
        ([entry("a", 500 * MIB)], 0, True),
        ([entry("a", 500 * MIB + 1)], 0, False),
        ([entry("a", 250 * MIB), entry("b", 250 * MIB + 1)], 0, False),
        ([entry("a", 2**64 - 1), entry("b", 1)], 0, False),
        ([entry("go.mod", 16 * MIB)], 0, True),
        ([entry("go.mod", 16 * MIB + 1)], 0, False),
        ([entry("LICENSE", 16 * MIB)], 0, True),
        ([entry("LICENSE", 16 * MIB + 1)], 0, False),
        ([entry("sub/LICENSE", 16 * MIB + 1)], 0, True),
        ([entry("license", 16 * MIB + 1)], 0, True),
    ],
)
def test_the_size_limits_are_those_of_the_go_command(entries: list[Entry], zip_size: int, ok: bool) -> None:
    if ok:
        check(*entries, zip_size=zip_size)
    else:
        with pytest.raises(Malformed, match="more than the allowed"):
            check(*entries, zip_size=zip_size)


def test_names_that_imply_masses_of_directories_are_refused() -> None:
    deep = [entry(f"{i}/" + "a/" * 30_000 + "b") for i in range(20)]
    with pytest.raises(Malformed, match="more directories than allowed"):
        check(*deep)


def test_a_name_is_as_long_as_a_zip_can_tell_in_bytes() -> None:
    room = 0xFFFF - len(PREFIX)
    check(entry("a" * room))
    for name in ("a" * (room + 1), "ä" * (room // 2 + 1)):
        with pytest.raises(Malformed, match="longer than the 65535 bytes") as caught:
            check(entry(name))
        assert len(caught.value.text) < 200


def test_smaller_limits_can_be_set() -> None:
    with pytest.raises(Malformed, match="more than the allowed 5 bytes"):
        check(entry("a", 6), limits=ZipLimits(uncompressed_bytes=5))


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (entry("a", method=12), "method 12"),
        (entry("a", flags=0x1), "encrypted"),
        (entry("a", flags=0x40), "encrypted"),
        (entry("a", flags=0x2000), "encrypted"),
        (entry("a", method=STORED)._replace(compressed_size=9), "sizes differ"),
        (entry("a/", 1), "directory with content"),
    ],
)
def test_only_plain_entries_that_go_can_read_pass(odd: Entry, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        check(odd)


def test_a_directory_may_claim_a_compressed_size_as_the_jar_tool_writes_it() -> None:
    check(entry("a/", 0)._replace(compressed_size=2))


def test_a_hundred_thousand_entries_are_checked_in_linear_time() -> None:
    entries = [entry(f"service{i % 500}/api{i % 7}/V{i % 3}/file{i}.go") for i in range(100_000)]
    start = time.process_time()
    check(*entries)
    # It takes half a second of CPU; comparing each with each would take an hour.
    assert time.process_time() - start < 5

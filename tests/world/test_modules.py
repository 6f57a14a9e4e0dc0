"""Made-up modules are as Go would have made them."""

from __future__ import annotations

import io
import zipfile

import pytest

from tests.world import Module, hash1, pack
from tests.world.modules import escaped

DATA_DESCRIPTOR = 0x08
"""The flag of a zip's entry whose sizes come behind it."""


@pytest.mark.parametrize(
    ("prefix", "names", "h1"),
    [
        ("", ["abc", "xyz"], "h1:EP6WfDoQTSk9klnxcjriWJOGztueJUywHNmWeq+efB8="),
        ("prefix/", ["xyz", "abc"], "h1:rLyfpGMAgqOnGE2aKOY5Xb6cOc0/YQhPjHBHBwkblhs="),
        ("", [], "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
    ],
)
def test_the_hash_is_go_s(prefix: str, names: list[str], h1: str) -> None:
    assert hash1({prefix + name: f"data for {name}".encode() for name in names}) == h1


def test_the_hash_of_a_mod_file_is_go_s() -> None:
    quote = Module("rsc.io/quote", "v1.5.2", go_mod='module "rsc.io/quote"\n\nrequire "rsc.io/sampler" v1.3.0\n')
    assert quote.mod_h1 == "h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0="


def test_a_version_is_the_same_every_time() -> None:
    assert Module("example.com/m", "v1.0.0", payload=5000) == Module("example.com/m", "v1.0.0", payload=5000)
    assert (
        Module("example.com/m", "v1.0.0", payload=5000).zip_bytes
        == Module("example.com/m", "v1.0.0", payload=5000).zip_bytes
    )
    assert Module("example.com/m", "v1.0.0").h1 != Module("example.com/m", "v1.0.1").h1


def test_every_file_of_a_zip_lies_below_the_version() -> None:
    module = Module("example.com/M", "v1.0.0", files={"a/b.go": "package a\n"})
    with zipfile.ZipFile(io.BytesIO(module.zip_bytes)) as archive:
        assert archive.namelist() == ["example.com/M@v1.0.0/a/b.go", "example.com/M@v1.0.0/go.mod"]
        assert archive.read("example.com/M@v1.0.0/go.mod") == module.mod_bytes
        assert hash1({name: archive.read(name) for name in archive.namelist()}) == module.h1


@pytest.mark.parametrize("streamed", [True, False])
def test_a_zip_has_its_sizes_where_the_test_wants_them(streamed: bool) -> None:
    packed = pack([("a", b"one"), ("a", b"two")], method=zipfile.ZIP_STORED, streamed=streamed)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert [bool(entry.flag_bits & DATA_DESCRIPTOR) for entry in archive.infolist()] == [streamed, streamed]


def test_a_payload_cannot_be_compressed() -> None:
    assert len(Module("example.com/m", "v1.0.0", payload=1_000_000).zip_bytes) > 1_000_000


@pytest.mark.parametrize(
    ("plain", "spelled"), [("github.com/Azure/X", "github.com/!azure/!x"), ("v1.0.0-RC1", "v1.0.0-!r!c1")]
)
def test_upper_case_is_escaped(plain: str, spelled: str) -> None:
    assert escaped(plain) == spelled

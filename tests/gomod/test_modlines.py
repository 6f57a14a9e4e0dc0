"""The statements of a go.mod that decide something are read as leniently as Go reads a dependency's."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.errors import Malformed
from modgate.gomod.modlines import go_version, module_path, retractions, statements, synthesized
from modgate.gomod.paths import check_path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("module example.com/m\n", "example.com/m"),
        ("module example.com/m", "example.com/m"),
        ("\r\n  module\texample.com/m  // comment\r\n", "example.com/m"),
        ('module "example.com/m"', "example.com/m"),
        ("module `example.com/m`", "example.com/m"),
        ('module "a\\"b"', 'a"b'),
        ("// module example.com/no\nmodule example.com/m\n", "example.com/m"),
        ("modulexample.com/m\n", ""),
        ("module\n", ""),
        ("module // nothing\n", ""),
        ('module "never closed\n', ""),
        ("go 1.21\n", ""),
        ("", ""),
        ("\x00\xff", ""),
        ("module (\n\texample.com/m\n)\n", "("),  # Go's quick look at the first line says the same
    ],
)
def test_the_module_path_is_found_without_parsing(text: str, path: str) -> None:
    assert module_path(text.encode(errors="surrogateescape")) == path


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go 1.24\n", (1, 24)),
        ("go 1.21.3", (1, 21)),
        ("go 1.22rc1", (1, 22)),
        ('go "1.24"', (1, 24)),
        ("go 1.24 // comment", (1, 24)),
        ("go v1.24x", (1, 24)),  # lax: a dependency's go line may have something behind it
        ("go 1", (0, 0)),
        ("go 1.24 1.25", (0, 0)),
        ("go 1.24\ngo 1.25", (0, 0)),
        ("go (\n\t1.24\n)\n", (1, 24)),
        ("module m\n", (0, 0)),
        ('go 1.24\nrequire "unclosed', (0, 0)),
        ("go 1.24\nrequire (\n\tx v1.0.0\n", (0, 0)),
        ("go 1.24 /* no such comments */", (0, 0)),
        ("go 1.99999999999999999999", (0, 0)),
    ],
)
def test_the_go_line_counts_if_the_file_can_be_parsed(text: str, version: tuple[int, int]) -> None:
    assert go_version(text.encode()) == version


@pytest.mark.parametrize(
    ("text", "intervals"),
    [
        ("retract v1.0.0", [("v1.0.0", "v1.0.0")]),
        ("retract v1.0.0 // why", [("v1.0.0", "v1.0.0")]),
        ("retract [v1.0.0, v1.9.9]", [("v1.0.0", "v1.9.9")]),
        ("retract [v1.0.0,v1.9.9]", [("v1.0.0", "v1.9.9")]),
        (
            "retract (\n\tv1.0.0 // one\n\n\t// two\n\t[v1.1.0, v1.2.0]\n)\n",
            [("v1.0.0", "v1.0.0"), ("v1.1.0", "v1.2.0")],
        ),
        ('retract "v1.0.0"', [("v1.0.0", "v1.0.0")]),
        ("retract [v1.0.0, ]", []),
        ("retract [v1.0.0", []),
        ("retract nonsense", []),
        ("retract", []),
        ("exclude example.com/x v1.0.0", []),
    ],
)
def test_retracted_versions_are_read(text: str, intervals: list[tuple[str, str]]) -> None:
    assert [tuple(interval) for interval in retractions(text.encode())] == intervals


def test_an_interval_holds_both_its_ends_and_what_lies_between() -> None:
    [interval] = retractions(b"retract [v1.0.0, v1.2.0]")
    assert [v for v in ("v0.9.0", "v1.0.0-pre", "v1.0.0", "v1.1.5", "v1.2.0", "v1.2.1") if v in interval] == [
        "v1.0.0",
        "v1.1.5",
        "v1.2.0",
    ]


@given(st.binary(max_size=300))
def test_whatever_stands_in_a_file_is_read_or_refused(data: bytes) -> None:
    assert isinstance(module_path(data), str)
    assert go_version(data) >= (0, 0)
    assert isinstance(retractions(data), tuple)
    with suppress(Malformed):
        list(statements(data))


def test_a_module_without_a_go_mod_gets_one_line() -> None:
    assert synthesized(check_path("example.com/m")) == b"module example.com/m\n"

"""What a go.mod requires is read for a guess: every form of the statement, and nothing of the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.gomod.requirements import go_line, requirements

WHOLE = b"""module example.com/m // require example.com/no v1.0.0

go 1.21

require example.com/one v1.0.0
require "example.com/quoted" v1.2.3 // indirect
require (
\trsc.io/quote v1.5.2
\t// rsc.io/commented v1.0.0
\tgithub.com/Upper/Case/v2 v2.0.0 // indirect

\texample.com/old v3.0.0+incompatible
\texample.com/pseudo v0.0.0-20240101000000-abcdef123456
)

exclude example.com/bad v1.0.0
replace example.com/one v1.0.0 => example.com/other v1.1.0
retract v1.0.0
"""


def test_every_requirement_is_found_and_nothing_else() -> None:
    assert requirements(WHOLE) == [
        ("rsc.io/quote", "v1.5.2"),
        ("github.com/Upper/Case/v2", "v2.0.0"),
        ("example.com/old", "v3.0.0+incompatible"),
        ("example.com/pseudo", "v0.0.0-20240101000000-abcdef123456"),
        ("example.com/one", "v1.0.0"),
        ("example.com/quoted", "v1.2.3"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "require example.com/m latest",
        "require example.com/m v1",
        "require example.com/m/v2 v1.0.0",
        "require nodot v1.0.0",
        "require ../x v1.0.0",
        "require example.com/m",
        "// require example.com/m v1.0.0",
        "required example.com/m v1.0.0",
    ],
)
def test_what_could_not_be_asked_for_is_left_out(line: str) -> None:
    assert requirements(f"module example.com/x\n\n{line}\n".encode()) == []


@given(st.binary(max_size=300))
def test_whatever_it_is_it_does_no_harm(data: bytes) -> None:
    for text in (data, b"require (\n" + data, b"require " + data):
        assert isinstance(requirements(text), list)


@pytest.mark.parametrize(
    ("data", "numbers"),
    [
        (WHOLE, (1, 21)),
        (b"", (0, 0)),
        (b"module m\n// go 1.9\n", (0, 0)),
        (b"module m\n\n  go\t1.9 // then\ntoolchain go1.24.1\n", (1, 9)),
        (b"module m\r\ngo 1.22.0\r\n", (1, 22)),
        (b"module example.com/go\nrequire go.example.com/m v1.20.0\n", (0, 0)),
        (b"go 99999.1\n", (0, 0)),
    ],
)
def test_the_go_line_is_found(data: bytes, numbers: tuple[int, int]) -> None:
    assert go_line(data) == numbers


@pytest.mark.parametrize("line", [b"require (\n", b"require (\n          ", b"require \t", b'require "a', b"go "])
def test_what_takes_long_to_read_is_no_go_mod_file(line: bytes) -> None:
    """Quadratic, these took minutes; the time limit of a test is the bound."""
    hostile = line * (2_000_000 // len(line))
    assert requirements(hostile) == []
    assert go_line(hostile) == (0, 0)

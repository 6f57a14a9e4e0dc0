"""What a go.mod requires is read for a guess: every form of the statement, and nothing of the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.gomod.requirements import requirements

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

"""Real modules come through chains whose first member is dead or hangs, and no trouble is taken for an absence."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.outage.trouble import expect_trouble
from tests.real.test_public_modules import PUBLIC_DATABASE
from tests.real.test_verification import name
from tests.real.work import writes_a_program
from tests.verification.conftest import keeps
from tests.world import World, at_once

MODULES = (
    "github.com/pkg/errors@v0.9.1",  # without a go.mod
    "github.com/BurntSushi/toml@v1.4.0",  # upper case in its path
    "github.com/Masterminds/semver/v3@v3.2.1",
    "golang.org/x/sync@v0.7.0",
    "gopkg.in/yaml.v3@v3.0.1",
    "go.uber.org/multierr@v1.11.0",
    "rsc.io/quote@v1.5.2",
    "github.com/google/uuid@v1.6.0",
)
PATIENT: dict[str, Any] = {"deadlines": {"first_byte": "1s"}, "breaker": {"failures": 1000}}
"""The first is asked every time."""
FILES = [name(module, kind) for module in MODULES for kind in ("info", "mod", "zip")]


@pytest.fixture
def dead() -> Iterator[str]:
    """A place where connections are refused: bound, and nobody listens."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{place.getsockname()[1]}"


@pytest.fixture
def hanging() -> Iterator[str]:
    """One that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as place:
        yield f"http://127.0.0.1:{place.getsockname()[1]}"


@pytest.mark.real
@pytest.mark.timeout(300)  # seconds; eight modules over a slow line, and each look at the one that hangs
@pytest.mark.parametrize("first", ["dead", "hanging"])
@pytest.mark.parametrize("behind", ["", ",direct", "|off"])
def test_modules_come_from_the_second_and_are_verified(
    world: World, mirror: str, outside: dict[str, str], request: pytest.FixtureRequest, first: str, behind: str
) -> None:
    chain = f"{request.getfixturevalue(first)}|{mirror}{behind}"
    gateway = world.gateway(chain, checksum=PUBLIC_DATABASE, environ=outside)
    answers = at_once(len(FILES), lambda number: gateway.get(FILES[number]))
    assert [(one, answer.text) for one, answer in zip(FILES, answers, strict=True) if answer.status != 200] == []
    lists = ["github.com/pkg/errors/@v/list", "golang.org/x/text/@v/list"]
    assert [gateway.get(one).status for one in lists] == [200, 200]
    keeps(gateway, *FILES)


@pytest.mark.real
@pytest.mark.timeout(300)
def test_a_program_is_built_while_the_first_is_dead(
    world: World, mirror: str, outside: dict[str, str], dead: str
) -> None:
    gateway = world.gateway(f"{dead}|{mirror}", checksum=PUBLIC_DATABASE, environ=outside)
    straight = world.go(mirror, sumdb=PUBLIC_DATABASE, **outside)
    assert writes_a_program(world.go(gateway, sumdb=PUBLIC_DATABASE)) == writes_a_program(straight)


@pytest.mark.real
@pytest.mark.parametrize("first", ["dead", "hanging"])
def test_behind_a_comma_trouble_is_told_and_is_no_absence(
    world: World, mirror: str, outside: dict[str, str], request: pytest.FixtureRequest, first: str
) -> None:
    place = request.getfixturevalue(first)
    gateway = world.gateway(f"{place},{mirror}", checksum=PUBLIC_DATABASE, environ=outside, **PATIENT)
    for one in ("rsc.io/quote/@v/list", name("rsc.io/quote@v1.5.2", "mod"), "rsc.io/quote/@latest"):
        expect_trouble(gateway.get(one), 502 if first == "dead" else 504)
    # What nobody has is no absence either, as long as one of them has not been asked.
    expect_trouble(gateway.get("example.com/nobody/has/this/@v/list"), 502 if first == "dead" else 504)

"""What every test gets: no network, none of this machine's settings, and the simulated world if it asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.world import World
from tests.world.guard import refuse_network, scrub_environment

# How long an example takes says something about the machine, and nothing about what is tested.
hypothesis.settings.register_profile("modgate", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("modgate")


@pytest.fixture(scope="session")
def machine_environ() -> dict[str, str]:
    """The environment as it was before any test; for tests that are about this machine."""
    return dict(os.environ)


@pytest.fixture(autouse=True)
def _alone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, machine_environ: dict[str, str]) -> None:
    if request.node.get_closest_marker("real") is None:
        refuse_network(monkeypatch)
        scrub_environment(monkeypatch)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests marked `workers` hold however many processes a gateway has, or for the numbers that the mark names; for
    that of `soak` they are looked at by `make soak` only."""
    mark = metafunc.definition.get_closest_marker("workers")
    if mark is not None:
        soak = [pytest.param(mark.kwargs["soak"], marks=pytest.mark.soak)] if "soak" in mark.kwargs else []
        numbers = [*(mark.args or (1, 2, 4)), *soak]
        metafunc.parametrize("workers", numbers, indirect=True, ids="{}-workers".format)


@pytest.fixture
def workers(request: pytest.FixtureRequest) -> int:
    """How many serving processes each gateway of the test has."""
    number: int = getattr(request, "param", 1)
    return number


@pytest.fixture
def world(tmp_path: Path, workers: int) -> Iterator[World]:
    """Factories for what surrounds the gateway, and for the gateway itself; all of it ends with the test."""
    made = World(tmp_path, workers)
    yield made
    made.close()

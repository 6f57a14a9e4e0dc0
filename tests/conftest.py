"""What every test gets: no network, none of this machine's settings, and the simulated world if it asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import World
from tests.world.guard import refuse_network, scrub_environment


@pytest.fixture(scope="session")
def machine_environ() -> dict[str, str]:
    """The environment as it was before any test; for tests that are about this machine."""
    return dict(os.environ)


@pytest.fixture(autouse=True)
def _alone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, machine_environ: dict[str, str]) -> None:
    if request.node.get_closest_marker("real") is None:
        refuse_network(monkeypatch)
        scrub_environment(monkeypatch)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Factories for what surrounds the gateway, and for the gateway itself; all of it ends with the test."""
    made = World(tmp_path)
    yield made
    made.close()

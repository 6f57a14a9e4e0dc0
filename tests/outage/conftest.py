"""One gateway in front of one upstream for the tests of a whole file, with short deadlines."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.outage.trouble import Publish
from tests.world import Gateway, Module, Upstream, World


@pytest.fixture(scope="module")
def wide_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world that lasts as long as the tests of one file."""
    made = World(tmp_path_factory.mktemp("world"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def upstream(wide_world: World) -> Upstream:
    return wide_world.upstream()


@pytest.fixture(scope="module")
def gateway(wide_world: World, upstream: Upstream) -> Gateway:
    """Its breaker never opens: each test sees the trouble itself."""
    return wide_world.gateway(
        upstream,
        deadlines={"connect": "1s", "first_byte": "1s", "idle": "1s", "small_total": "3s", "total": "5s"},
        breaker={"failures": 1000},
    )


@pytest.fixture(scope="module")
def publish(upstream: Upstream) -> Publish:
    """Makes a module that nobody has asked for yet."""
    numbers = itertools.count()

    def publish(payload: int = 0) -> Module:
        module = Module(f"example.com/trouble/m{next(numbers)}", "v1.0.0", payload=payload)
        upstream.publishes(module)
        upstream.branch(module.path, "main", module.version)
        return module

    return publish

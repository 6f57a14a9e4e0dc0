"""One gateway for the questions of a whole file; each test asks about modules of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.world import Database, Gateway, Upstream, World

SECRET = "private.example.com/secret"


@pytest.fixture(scope="module")
def wide_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world that lasts as long as the tests of one file."""
    made = World(tmp_path_factory.mktemp("world"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def database(wide_world: World) -> Database:
    return wide_world.database("sum.example.com")


@pytest.fixture(scope="module")
def upstream(wide_world: World, database: Database) -> Upstream:
    return wide_world.upstream(database=database)


@pytest.fixture(scope="module")
def gateway(wide_world: World, upstream: Upstream, database: Database) -> Gateway:
    """With short ages, so that nothing has to be waited for long."""
    return wide_world.gateway(
        upstream,
        checksum_database=(database.name,),
        private="private.example.com",
        deadlines={"first_byte": "2s"},
        breaker={"failures": 1000},
    )

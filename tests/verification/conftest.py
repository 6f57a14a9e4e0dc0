"""An upstream that relays a checksum database, and gateways that verify with it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.world import Database, Gateway, Module, Upstream, World, eventually
from tests.world.server import Server

Verify = Callable[..., Gateway]
"""Starts a gateway on an upstream, or a chain, that verifies with the database."""

SMALL = Module("example.com/small", "v1.0.0")
LARGE = Module("example.com/Large", "v1.0.0", payload=400_000)
"""Far more than what is held back: its first bytes go out before it is verified."""


@pytest.fixture
def database(world: World) -> Database:
    """Of 300 records: its tree has two tiles at the edge."""
    database = world.database()
    database.grows(300)
    return database


@pytest.fixture
def upstream(world: World, database: Database) -> Upstream:
    return world.upstream([SMALL, LARGE], database=database)


@pytest.fixture
def verify(world: World, database: Database, upstream: Upstream) -> Verify:
    """The database is reached through the upstream, and past it at an address where nobody is."""

    def start(chain: Server | str = upstream, url: str = "", **settings: object) -> Gateway:
        checksum = {"checksum": f"{database.key} {url}".strip()}
        return world.gateway(chain, **{**checksum, **settings})  # type: ignore[arg-type]

    return start


def events(gateway: Gateway, name: str) -> float:
    """How often an event was raised."""
    return gateway.metric("modgate_events_total", event=name)


def keeps(gateway: Gateway, *names: str) -> None:
    """Wait until these are in the tree: small ones are handed out before they are durable."""
    eventually(lambda: {f"public/{name}" for name in names} <= set(gateway.files("modules")), f"{names} are kept")


def files_of(module: Module, *kinds: str) -> list[str]:
    return [f"{module.name}.{kind}" for kind in kinds or ("info", "mod", "zip")]


def assert_nothing_kept(gateway: Gateway) -> None:
    """No artifact is visible, and nothing is left of it."""
    gateway.tidies_up()
    assert [name for name in gateway.files("modules") if name.endswith((".mod", ".zip"))] == []

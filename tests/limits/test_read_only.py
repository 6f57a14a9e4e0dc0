"""A store that may not be written any more serves what it has, says why it takes nothing new, and heals."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.corruption.damage import as_others
from tests.world import Gateway, Module, Response, Upstream, World, eventually

OLD = Module("example.com/old", "v1.0.0", payload=300_000)
NEW = Module("example.com/new", "v1.0.0", payload=300_000)
LATE = Module("example.com/late", "v1.0.0", payload=300_000)
ZIP = f"{LATE.name}.zip"


@pytest.fixture
def upstream(world: World) -> Upstream:
    return world.upstream([OLD, NEW, LATE])


@pytest.fixture
def gateway(world: World, upstream: Upstream) -> Gateway:
    """It has everything of `OLD`, and permissions mean something to it."""
    started = world.gateway(upstream, through=as_others())
    for kind in ("info", "mod", "zip"):
        assert started.get(f"{OLD.name}.{kind}").status == 200
    started.tidies_up()
    return started


@contextmanager
def read_only(data: Path) -> Iterator[None]:
    """All folders of it may be read, and not be changed."""
    folders = [data, *(path for path in data.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        yield
    finally:
        for folder in folders:
            folder.chmod(0o755)


def assert_unavailable(answer: Response) -> None:
    assert answer.status == 503, answer.text
    assert "cannot store anything new (permission denied); what is stored is still served" in answer.text


def test_what_is_stored_is_served_and_zips_are_unavailable(gateway: Gateway) -> None:
    with read_only(gateway.data):
        assert_unavailable(gateway.get(f"{NEW.name}.zip"))
        for kind in ("info", "mod", "zip"):
            assert gateway.get(f"{OLD.name}.{kind}", x_request_id="1").cache == "hit"
        eventually(lambda: gateway.get("health/ready").status == 503, "it says so")
    assert gateway.get(f"{NEW.name}.zip").body == NEW.zip_bytes
    gateway.tidies_up()


def test_a_zip_that_arrives_meanwhile_is_cut_and_fetched_anew(gateway: Gateway, upstream: Upstream) -> None:
    rest = upstream.pauses(after=200_000, on="zip")
    with gateway.connect() as client:
        client.asks(ZIP)
        body = client.begins()
        assert body.read(100_000)
        with read_only(gateway.data):
            rest.open()
            with pytest.raises(http.client.IncompleteRead):
                body.read()
            upstream.behaves()
            eventually(lambda: gateway.metric("modgate_in_flight_requests") == 0, "it was cut")
    assert gateway.get(ZIP).body == LATE.zip_bytes
    gateway.tidies_up()


def test_a_spool_that_was_removed_is_made_again(gateway: Gateway) -> None:
    spool = gateway.data / "spool"
    for path in spool.iterdir():
        path.unlink()
    spool.rmdir()
    eventually(lambda: gateway.get(f"{NEW.name}.zip").status == 200, "it takes new things again")
    assert gateway.get(f"{NEW.name}.zip").body == NEW.zip_bytes

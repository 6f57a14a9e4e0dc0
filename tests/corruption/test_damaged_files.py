"""A file that was damaged in the store is noticed before it is served, fetched again if it can be, and has to be what
it was."""

from __future__ import annotations

import pytest

from tests.corruption.damage import Damage, all_damages, as_others, flipped
from tests.world import Database, Gateway, Module, Upstream, World, eventually, faults

MODULE = Module("example.com/m", "v1.0.0", payload=200_000)
FILES = {"zip": MODULE.zip_bytes, "mod": MODULE.mod_bytes, "info": MODULE.info_bytes}
SUMS = "sumdb/sum.example.com"
SUM_FILES = (f"{SUMS}/lookup/{MODULE}", f"{SUMS}/tile/8/0/000.p/1")


@pytest.fixture
def database(world: World) -> Database:
    return world.database("sum.example.com")


@pytest.fixture
def upstream(world: World, database: Database) -> Upstream:
    return world.upstream([MODULE], database=database)


@pytest.fixture
def gateway(world: World, upstream: Upstream, database: Database) -> Gateway:
    """It has everything, and permissions mean something to it."""
    started = world.gateway(upstream, checksum=database.key, through=as_others())
    for target in good(database):
        assert started.get(target).status == 200
    started.tidies_up()
    upstream.forgets()
    return started


def good(database: Database) -> dict[str, bytes]:
    """Everything that is kept in files, by its address."""
    files = {f"{MODULE.name}.{kind}": body for kind, body in FILES.items()}
    return files | {name: database.answer(name.removeprefix(f"{SUMS}/")).body for name in SUM_FILES}


def place(gateway: Gateway, target: str) -> str:
    """Where it lies in the data directory."""
    return target if target.startswith("sumdb/") else f"modules/public/{target}"


@all_damages
def test_after_a_restart_each_damaged_file_is_fetched_once_more_and_right(
    world: World, upstream: Upstream, database: Database, gateway: Gateway, damage: Damage
) -> None:
    gateway.stop()
    for target in good(database):
        damage(gateway.data / place(gateway, target))
    after = world.gateway(upstream, checksum=database.key, data=gateway.data, through=as_others())
    for target, body in good(database).items():
        for _ in range(2):
            answer = after.get(target)
            assert (answer.status, answer.body, answer.cut) == (200, body, False), target
        assert upstream.asked_for(target) == 1, target
    after.tidies_up()
    for target, body in good(database).items():
        assert (after.data / place(after, target)).read_bytes() == body, target


@all_damages
def test_a_running_gateway_notices_it_too(
    upstream: Upstream, database: Database, gateway: Gateway, damage: Damage
) -> None:
    for target in good(database):
        damage(gateway.data / place(gateway, target))
    for target, body in good(database).items():
        for no_memory in ({}, {"x_request_id": "1"}):
            answer = gateway.get(target, **no_memory)
            assert (answer.status, answer.body, answer.cut) == (200, body, False), target


@pytest.mark.parametrize("part", ["bytes=0-9", "bytes=-10", "bytes=100000-100009"])
def test_a_part_of_a_damaged_zip_is_the_right_part(
    world: World, upstream: Upstream, gateway: Gateway, part: str
) -> None:
    gateway.stop()
    flipped(gateway.data / f"modules/public/{MODULE.name}.zip")
    after = world.gateway(upstream, data=gateway.data)
    first, last = {"bytes=0-9": (0, 10), "bytes=-10": (-10, None)}.get(part, (100_000, 100_010))
    answer = after.get(f"{MODULE.name}.zip", range=part)
    assert answer.status in {200, 206}
    assert answer.body == (MODULE.zip_bytes[first:last] if answer.status == 206 else MODULE.zip_bytes)


def test_what_is_damaged_while_the_upstream_is_down_is_unavailable_and_heals_with_it(
    world: World, upstream: Upstream, database: Database, gateway: Gateway
) -> None:
    gateway.stop()
    for target in good(database):
        flipped(gateway.data / place(gateway, target))
    upstream.goes_down()
    after = world.gateway(upstream, checksum=database.key, data=gateway.data)
    for target, body in good(database).items():
        for _ in range(2):
            answer = after.get(target)
            assert answer.status in {502, 503, 504}, target
            assert answer.headers["content-type"].startswith("text/plain")
            assert body not in answer.body
    upstream.comes_back()
    for target, body in good(database).items():
        assert eventually_right(after, target) == body


def eventually_right(gateway: Gateway, target: str) -> bytes:
    eventually(lambda: gateway.get(target).status == 200, f"{target} came back")
    return gateway.get(target).body


@pytest.mark.parametrize("kind", ["zip", "mod"])
def test_what_is_fetched_instead_has_to_be_what_was_first_seen(
    world: World, upstream: Upstream, gateway: Gateway, kind: str
) -> None:
    gateway.stop()
    flipped(gateway.data / f"modules/public/{MODULE.name}.{kind}")
    upstream.publishes(Module(MODULE.path, MODULE.version, go_mod=f"module {MODULE.path}\n\ngo 1.22\n"))
    after = world.gateway(upstream, data=gateway.data)
    for _ in range(2):
        answer = after.get(f"{MODULE.name}.{kind}")
        assert answer.status == 502
        assert answer.text.startswith(f"corrupt: {MODULE} {kind}: {upstream.url}: ")
        assert "first seen" in answer.text
    assert after.metric("modgate_events_total", event="different_content") >= 1
    upstream.publishes(MODULE)
    eventually(
        lambda: after.get(f"{MODULE.name}.{kind}", cache_control="no-cache").status == 200,
        "a client that wants it new gets it",
    )
    assert after.get(f"{MODULE.name}.{kind}").body == FILES[kind]


def test_a_tile_that_is_fetched_instead_has_to_be_what_was_first_seen(
    world: World, upstream: Upstream, database: Database, gateway: Gateway
) -> None:
    tile = SUM_FILES[1]
    gateway.stop()
    flipped(gateway.data / tile)
    upstream.misbehaves(faults.flipped_bit(), on=tile)
    after = world.gateway(upstream, checksum=database.key, data=gateway.data)
    assert after.get(tile).status == 502


def test_a_damaged_file_that_cannot_be_put_aside_is_not_served(gateway: Gateway) -> None:
    folder = gateway.data / f"modules/public/{MODULE.path}/@v"
    for kind in FILES:
        flipped(gateway.data / f"modules/public/{MODULE.name}.{kind}")
    folder.chmod(0o555)
    for kind in FILES:
        answer = gateway.get(f"{MODULE.name}.{kind}", x_request_id="1")
        assert answer.status == 503, kind
        assert "cannot store anything new (permission denied)" in answer.text
    folder.chmod(0o755)
    for kind, body in FILES.items():
        assert gateway.get(f"{MODULE.name}.{kind}", x_request_id="1").body == body


def test_a_damaged_file_is_kept_aside_and_told(world: World, upstream: Upstream, gateway: Gateway) -> None:
    gateway.stop()
    path = gateway.data / f"modules/public/{MODULE.name}.zip"
    flipped(path)
    damaged = path.read_bytes()
    after = world.gateway(upstream, data=gateway.data)
    assert after.get(f"{MODULE.name}.zip").body == MODULE.zip_bytes
    assert after.metric("modgate_events_total", event="damaged_file") == 1
    (aside,) = after.files("quarantine")
    assert (after.data / "quarantine" / aside).read_bytes() == damaged
    assert "damaged_file" in after.log_text()

"""Two gateway processes on one store: when the one that downloads a zip dies, the other one goes on with it, and the
clients of the other one get the whole zip on the connection that they have."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from http.client import IncompleteRead

import pytest

from tests.world import Connection, Gateway, Module, Upstream, World, eventually

MODULE = Module("example.com/large", "v1.0.0", payload=3_000_000)
ZIP = f"{MODULE.name}.zip"
SIZE = len(MODULE.zip_bytes)
HALF = SIZE // 2


def pair(world: World, upstream: Upstream) -> tuple[Gateway, Gateway]:
    leader = world.gateway(upstream)
    return leader, world.gateway(upstream, data=leader.data)


def has_half(client: Connection) -> bytes:
    """Ask for the zip and read a part of it; the rest is not there yet."""
    client.asks(ZIP)
    return client.begins().read(HALF // 2)


@pytest.mark.parametrize(("ranges", "etags"), [(True, True), (False, True), (False, False)])
def test_clients_of_the_other_process_get_the_whole_zip(world: World, ranges: bool, etags: bool) -> None:
    upstream = world.upstream([MODULE], ranges=ranges, etags=etags)
    rest = upstream.pauses(after=HALF, times=1)
    leader, other = pair(world, upstream)
    with leader.connect() as doomed, other.connect() as client:
        has_half(doomed)
        client.asks(ZIP)
        answer = client.begins()
        assert answer.status == 200
        body = answer.read(HALF // 2)
        leader.kill()
        assert body + answer.read() == MODULE.zip_bytes
    rest.open()
    assert upstream.asked_for("zip") == 2
    assert ("range" in upstream.requests[-1].headers) is etags
    assert other.get(ZIP).cache == "hit"
    other.tidies_up()


def test_whoever_asks_the_other_process_after_the_death_gets_it_too(world: World) -> None:
    upstream = world.upstream([MODULE])
    upstream.pauses(after=HALF, times=1)
    leader, other = pair(world, upstream)
    with leader.connect() as doomed:
        has_half(doomed)
        leader.kill()
    assert other.get(ZIP).body == MODULE.zip_bytes
    other.tidies_up()


def test_a_zip_whose_leader_dies_while_it_is_checked_is_checked_by_the_other(world: World) -> None:
    upstream = world.upstream([MODULE, Module("example.com/other", "v1.0.0")])
    leader, other = pair(world, upstream)
    leader.get("example.com/other/@v/v1.0.0.zip")
    leader.processes[1].suspend()  # it never comes to a verdict
    with leader.connect() as doomed, other.connect() as client:
        has_half(doomed)
        client.asks(ZIP)
        answer = client.begins()
        body = answer.read(SIZE - 65536)
        leader.kill()
        assert body + answer.read() == MODULE.zip_bytes
    assert upstream.asked_for(ZIP) == 1, "all of it was there"


def test_what_a_dead_leader_left_damaged_is_fetched_anew(world: World) -> None:
    upstream = world.upstream([MODULE])
    upstream.pauses(after=HALF, times=1)
    leader, other = pair(world, upstream)
    with leader.connect() as doomed:
        has_half(doomed)
        leader.kill()
    (part,) = (name for name in other.spool() if name.endswith(".part"))
    with (other.data / "spool" / part).open("r+b") as file:
        file.seek(100_000)
        file.write(b"damage")
    answers = [other.get(ZIP) for _ in range(2)]
    assert answers[0].cut or answers[0].body == MODULE.zip_bytes
    assert answers[1].body == MODULE.zip_bytes
    other.tidies_up()


def test_small_things_are_asked_again_when_their_leader_dies(world: World) -> None:
    upstream = world.upstream([MODULE])
    leader, other = pair(world, upstream)
    bodies = {"mod": MODULE.mod_bytes, "info": MODULE.info_bytes, "list": b"v1.0.0\n"}
    asked = {kind: f"{MODULE.path}/@v/{'list' if kind == 'list' else f'v1.0.0.{kind}'}" for kind in bodies}
    for kind in bodies:
        upstream.hangs(on=kind, times=1)
    with ExitStack() as clients:
        for path in asked.values():
            clients.enter_context(leader.connect()).asks(path)
        upstream.wait_until_asked(len(bodies))
        waiting = {kind: clients.enter_context(other.connect()) for kind in bodies}
        for kind, client in waiting.items():
            client.asks(asked[kind])
        eventually(lambda: other.metric("modgate_in_flight_requests") == len(bodies), "the other process waits")
        leader.kill()
        assert {kind: client.answer().body for kind, client in waiting.items()} == bodies
    other.tidies_up()


def test_a_leader_that_is_stopped_in_good_order_leaves_its_work_to_the_other(world: World) -> None:
    upstream = world.upstream([MODULE])
    upstream.pauses(after=HALF, times=1)
    leader, other = pair(world, upstream)
    with leader.connect() as doomed, other.connect() as client:
        has_half(doomed)
        client.asks(ZIP)
        answer = client.begins()
        body = answer.read(HALF // 2)
        leader.signals(signal.SIGTERM)
        doomed.close()
        assert leader.ended() == 0
        assert body + answer.read() == MODULE.zip_bytes
    other.tidies_up()


def test_what_the_dead_leader_left_is_not_believed_if_the_upstream_has_changed(world: World) -> None:
    upstream = world.upstream([MODULE])
    upstream.pauses(after=HALF, times=1)
    leader, other = pair(world, upstream)
    changed = Module(MODULE.path, MODULE.version, files={"other.go": "package other\n"}, payload=3_000_000)
    with leader.connect() as doomed, other.connect() as client:
        has_half(doomed)
        client.asks(ZIP)
        answer = client.begins()
        answer.read(HALF // 2)
        upstream.publishes(changed)
        leader.kill()
        with pytest.raises((IncompleteRead, ConnectionResetError)):  # the half that the client has is of another file
            answer.read()
    assert other.get(ZIP).body == changed.zip_bytes
    other.tidies_up()

"""The simulated upstream speaks the protocol and counts what it is asked."""

from __future__ import annotations

import http.client
import json

import pytest

from tests.world import Connection, Module, Upstream, World, at_once, get

MODULE = Module("example.com/M", "v1.0.0")


@pytest.fixture
def upstream(world: World) -> Upstream:
    return world.upstream([MODULE, Module("example.com/M", "v1.1.0-rc.1")])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("example.com/!m/@v/list", b"v1.0.0\nv1.1.0-rc.1\n"),
        ("example.com/!m/@latest", MODULE.info_bytes),
        ("example.com/!m/@v/v1.0.0.info", MODULE.info_bytes),
        ("example.com/!m/@v/v1.0.0.mod", MODULE.mod_bytes),
        ("example.com/!m/@v/v1.0.0.zip", MODULE.zip_bytes),
        ("example.com/%21m/@v/v1.0.0.mod", MODULE.mod_bytes),
    ],
)
def test_it_hands_out_what_it_has(upstream: Upstream, path: str, body: bytes) -> None:
    answer = get(f"{upstream.url}/{path}")
    assert (answer.status, answer.body, answer.cut) == (200, body, False)


@pytest.mark.parametrize(
    "path", ["example.com/M/@v/list", "example.com/!m/@v/v1.0.1.info", "example.com/n/@latest", ""]
)
def test_it_says_so_when_it_has_not(upstream: Upstream, path: str) -> None:
    answer = get(f"{upstream.url}/{path}")
    assert (answer.status, answer.headers["content-type"]) == (404, "text/plain; charset=utf-8")


def test_a_branch_leads_to_a_version_and_a_withdrawn_file_is_gone(upstream: Upstream) -> None:
    upstream.branch("example.com/M", "Main", "v1.0.0")
    upstream.withdraws("example.com/!m/@v/v1.0.0.mod")
    assert get(f"{upstream.url}/example.com/!m/@v/!main.info").json()["Version"] == "v1.0.0"
    assert get(f"{upstream.url}/example.com/!m/@v/v1.0.0.mod").status == 404


def test_pseudo_versions_are_not_listed_and_are_the_latest_only_of_modules_without_others(upstream: Upstream) -> None:
    pseudo = "v0.0.0-20240102030405-abcdef123456"
    upstream.publishes(Module("example.com/p", pseudo), Module("example.com/M", pseudo))
    upstream.knows("example.com/none")
    assert get(f"{upstream.url}/example.com/p/@v/list").body == b""
    assert json.loads(get(f"{upstream.url}/example.com/p/@latest").body)["Version"] == pseudo
    assert json.loads(get(f"{upstream.url}/example.com/!m/@latest").body)["Version"] == "v1.0.0"
    assert [get(f"{upstream.url}/example.com/none/{what}").status for what in ("@v/list", "@latest")] == [200, 404]


def test_requests_are_counted_by_kind_path_and_pattern(upstream: Upstream) -> None:
    for path in ("example.com/!m/@v/list", "example.com/!m/@v/v1.0.0.info", "example.com/!m/@v/v1.0.0.mod?x=1"):
        get(f"{upstream.url}/{path}", headers={"X-Seen": "yes"})
    assert upstream.asked == 3
    assert upstream.asked_for("info") == 1
    assert upstream.asked_for("example.com/!m/@v/v1.0.0.mod") == 1
    assert upstream.asked_for("example.com/*") == 3
    assert [request.headers["x-seen"] for request in upstream.requests] == ["yes"] * 3
    upstream.forgets()
    assert upstream.asked == 0


@pytest.mark.parametrize(
    ("wanted", "status", "part"),
    [
        ("bytes=10-", 206, slice(10, None)),
        ("bytes=0-4", 206, slice(0, 5)),
        ("bytes=5-99999999", 206, slice(5, None)),
        ("bytes=99999999-", 416, slice(0)),
        ("lines=1-", 200, slice(None)),
    ],
)
def test_it_sends_ranges(upstream: Upstream, wanted: str, status: int, part: slice) -> None:
    answer = get(f"{upstream.url}/{MODULE.name}.zip", headers={"Range": wanted})
    assert (answer.status, answer.body) == (status, MODULE.zip_bytes[part])


def test_a_range_of_another_file_is_the_whole_file(upstream: Upstream) -> None:
    etag = get(f"{upstream.url}/{MODULE.name}.zip").headers["etag"]
    for validator, status in ((etag, 206), ('"other"', 200)):
        answer = get(f"{upstream.url}/{MODULE.name}.zip", headers={"Range": "bytes=9-", "If-Range": validator})
        assert answer.status == status
    assert get(f"{upstream.url}/{MODULE.name}.zip", headers={"If-None-Match": etag}).status == 304


def test_a_simple_upstream_knows_neither_ranges_nor_etags(world: World) -> None:
    simple = world.upstream([MODULE], ranges=False, etags=False)
    answer = get(f"{simple.url}/{MODULE.name}.zip", headers={"Range": "bytes=10-"})
    assert (answer.status, answer.body, answer.headers.get("etag")) == (200, MODULE.zip_bytes, None)


def test_head_is_get_without_the_body(upstream: Upstream) -> None:
    answer = get(f"{upstream.url}/{MODULE.name}.zip", method="HEAD")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", str(len(MODULE.zip_bytes)))


def test_one_connection_carries_many_requests(upstream: Upstream) -> None:
    with Connection(upstream.url) as connection:
        for _ in range(3):
            connection.asks(f"{MODULE.name}.mod")
            assert connection.answer().body == MODULE.mod_bytes
    assert upstream.most_connections == 1


def test_three_hundred_clients_are_held_at_once(upstream: Upstream) -> None:
    held = upstream.hangs(on="zip")
    connections = [Connection(upstream.url) for _ in range(300)]
    for connection in connections:
        connection.asks(f"{MODULE.name}.zip")
    held.wait_for(300)
    held.open()
    assert {connection.answer().body for connection in connections} == {MODULE.zip_bytes}
    assert upstream.most_connections == 300
    for connection in connections:
        connection.close()


def test_many_clients_ask_at_once(upstream: Upstream) -> None:
    answers = at_once(20, lambda _: get(f"{upstream.url}/{MODULE.name}.mod"))
    assert [answer.body for answer in answers] == [MODULE.mod_bytes] * 20


def test_it_goes_down_and_comes_back_on_the_same_port(upstream: Upstream) -> None:
    held = upstream.hangs(times=1)
    with Connection(upstream.url) as waiting:
        waiting.asks(f"{MODULE.name}.mod")
        held.wait_for(1)
        upstream.goes_down()
        with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
            waiting.answer()
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            get(f"{upstream.url}/{MODULE.name}.mod")

    upstream.comes_back()
    assert get(f"{upstream.url}/{MODULE.name}.mod").body == MODULE.mod_bytes


def test_it_speaks_tls(world: World) -> None:
    secure = world.upstream([MODULE], tls=world.certificate())
    trust = world.trust()
    assert get(f"{secure.url}/{MODULE.name}.mod", authority=trust).body == MODULE.mod_bytes

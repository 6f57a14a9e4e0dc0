"""Every request is counted and logged once, however it ended."""

from __future__ import annotations

import asyncio
from pathlib import Path

from modgate.errors import Unavailable
from modgate.gomod import ModulePath
from modgate.observe.families import IN_FLIGHT, REQUEST_SECONDS, REQUESTS, SENT_BYTES
from modgate.source.base import Answer, Ask, Cached, Kind, Ready
from tests.serve.fakes import Port, StoredBody, request

INFO = Ask(Kind.INFO, ModulePath("github.com/Azure/x"), "master")
TARGET = f"/{INFO.name}"
FIELDS = {
    "time", "request_id", "method", "target", "module_path", "version", "kind", "user_id", "status_code", "bytes_sent",
    "request_time", "cache", "upstream_name", "client_ip",
}  # fmt: skip


async def test_a_line_tells_what_was_asked_and_what_came_of_it(port: Port) -> None:
    answer = Answer(INFO, Ready(b"{}"), version="v1.2.3", source="https://up.example", stamp=(1, 7))
    port.source.put(INFO.name, answer)
    client = await port.client()
    await client.ask(f"{TARGET}?token=secret")
    await client.ask(TARGET)
    await client.ask(TARGET)
    first, _, third = port.log_lines()
    assert set(first) == set(third) == FIELDS
    assert {key: first[key] for key in FIELDS - {"time", "request_time"}} == {
        "request_id": "t-1",
        "method": "GET",
        "target": TARGET,
        "module_path": "github.com/Azure/x",
        "version": "v1.2.3",
        "kind": "info",
        "user_id": "",
        "status_code": 200,
        "bytes_sent": 2,
        "cache": "miss",
        "upstream_name": "https://up.example",
        "client_ip": "127.0.0.1",
    }
    assert first["time"] == "2023-11-14T22:13:20.000Z"
    changed = {"request_id": "t-3", "cache": "hit", "upstream_name": ""}
    assert third == first | changed


async def test_requests_are_counted_by_kind_status_and_cache(port: Port, tmp_path: Path) -> None:
    port.source.put(INFO.name, Answer(INFO, Ready(b"{}"), stamp=(1, 7)))
    port.source.put("a.b/c/@v/list", Unavailable())
    (tmp_path / "zip").write_bytes(b"x" * 1000)
    zipped = Ask(Kind.ZIP, ModulePath("a.b/c"), "v1.0.0")
    port.source.put(zipped.name, Answer(zipped, StoredBody(tmp_path / "zip"), cached=Cached.HIT))
    client = await port.client()
    for target in (TARGET, TARGET, TARGET, "/a.b/c/@v/list", f"/{zipped.name}", "/healthz", "/%zz", "/sumdb/x/latest"):
        await client.ask(target)
    await client.ask("/", "POST")
    assert port.count(REQUESTS) == {
        ("info", "200", "miss"): 1,
        ("info", "200", "hit"): 2,
        ("list", "502", "none"): 1,
        ("zip", "200", "hit"): 1,
        ("health", "200", "none"): 1,
        ("other", "400", "none"): 1,
        ("other", "405", "none"): 1,
        ("sumdb", "404", "miss"): 1,
    }
    assert port.count(SENT_BYTES)["info",] == 6
    assert port.count(SENT_BYTES)["zip",] == 1000
    assert port.count(REQUEST_SECONDS)["info",] == 3
    assert port.count(IN_FLIGHT)[()] == 0
    assert len(port.log_lines()) == 9


async def test_a_client_that_left_before_its_status_is_499(port: Port) -> None:
    port.source.hold = asyncio.Event()
    client = await port.client()
    await client.send(request(TARGET) * 3)
    await port.settle(lambda: port.source.waiting == 1)
    await port.takes_for_gone(client)
    await port.settle(lambda: port.listener.connections == 0 and not port.edge.tasks)
    assert [line["status_code"] for line in port.log_lines()] == [499, 499, 499]
    assert port.count(IN_FLIGHT)[()] == 0


async def test_malformed_requests_are_logged_with_what_is_known_of_them(port: Port) -> None:
    client = await port.client()
    await client.send(b"GET /" + b"a" * 9000)
    await client.response()
    [line] = port.log_lines()
    assert (line["status_code"], line["kind"], line["client_ip"]) == (414, "other", "127.0.0.1")
    assert line["target"].startswith("/aaa")
    assert len(line["target"]) <= 256


async def test_a_head_request_sends_no_bytes(port: Port) -> None:
    port.source.put(INFO.name, Answer(INFO, Ready(b"{}")))
    await port.ask(TARGET, "HEAD")
    assert [line["bytes_sent"] for line in port.log_lines()] == [0]


async def test_untrusted_peers_are_believed_nothing(port: Port) -> None:
    response = await port.ask("/", X_Forwarded_For="192.0.2.7", X_Request_Id="mine")
    assert response.headers["x-request-id"] == "t-1"
    [line] = port.log_lines()
    assert (line["client_ip"], line["request_id"]) == ("127.0.0.1", "t-1")


async def test_trusted_proxies_speak_for_their_clients_on_both_paths(tmp_path: Path) -> None:
    port = Port(tmp_path / "access.log", trusted=["127.0.0.0/8"])
    await port.listener.start()
    port.source.put(INFO.name, Answer(INFO, Ready(b"{}"), stamp=(1, 7)))
    client = await port.client()
    assert (await client.ask(TARGET, X_Real_IP="192.0.2.7", X_Request_Id="mine-7")).headers["x-request-id"] == "mine-7"
    await client.ask(TARGET, X_Forwarded_For="evil, 192.0.2.8")
    hit = await client.ask(TARGET, X_Forwarded_For="192.0.2.9")
    assert hit.headers["x-cache"] == "hit"
    odd = await client.ask(TARGET, X_Request_Id='"}{')
    assert odd.headers["x-request-id"].startswith("t-")
    lines = port.log_lines()
    assert [line["client_ip"] for line in lines] == ["192.0.2.7", "192.0.2.8", "192.0.2.9", "127.0.0.1"]
    assert lines[0]["request_id"] == "mine-7"
    await port.close()


async def test_without_a_log_everything_is_still_counted(tmp_path: Path) -> None:
    port = Port(Path("off"))
    await port.listener.start()
    port.source.put(INFO.name, Answer(INFO, Ready(b"{}"), stamp=(1, 7)))
    for _ in range(3):
        assert (await port.ask(TARGET)).status == 200
    assert port.count(REQUESTS) == {("info", "200", "miss"): 1, ("info", "200", "hit"): 2}
    await port.close()

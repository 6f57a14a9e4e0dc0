"""What is larger than the settings allow is refused, is never kept, and costs nobody else anything."""

from __future__ import annotations

import pytest

from tests.world import Gateway, Module, Response, Upstream, World, eventually, faults

KIB, MIB = 1024, 1024 * 1024
SMALL = Module("example.com/small", "v1.0.0")
JUST_FITS = Module("example.com/fits", "v1.0.0", payload=MIB - 2000)
TOO_LARGE = Module("example.com/large", "v1.0.0", payload=MIB + 10_000)
LIMITS = {"zip": "1MiB", "mod": "64KiB", "info": "4KiB", "list": "64KiB"}


@pytest.fixture
def upstream(world: World) -> Upstream:
    made = world.upstream([SMALL, JUST_FITS, TOO_LARGE])
    comment = "// " + "x" * 100 + "\n"
    for path, lines in (("example.com/fits", 600), ("example.com/large", 700)):
        text = f"module {path}\n" + comment * lines
        made.publishes(Module(path, "v1.1.0", go_mod=text, info=info("v1.1.0", 3000 if lines == 600 else 5000)))
        made.lists(path, "".join(f"v1.0.{number}\n" for number in range(6000 if lines == 600 else 8000)))
    return made


def info(version: str, size: int) -> bytes:
    return f'{{"Version":"{version}","Time":"2024-01-02T03:04:05Z","Origin":{{"URL":"{"x" * size}"}}}}'.encode()


@pytest.fixture
def gateway(world: World, upstream: Upstream) -> Gateway:
    return world.gateway(upstream, limits=LIMITS)


def targets(path: str) -> list[str]:
    return [f"{path}/@v/v1.1.0.mod", f"{path}/@v/v1.1.0.info", f"{path}/@v/list"]


@pytest.mark.parametrize("framing", ["a length", "chunks"])
def test_what_is_within_the_limits_is_served_and_what_is_not_is_refused(
    upstream: Upstream, gateway: Gateway, framing: str
) -> None:
    if framing == "chunks":
        upstream.misbehaves(faults.chunked())
    for target in [*targets("example.com/fits"), f"{JUST_FITS.name}.zip"]:
        assert gateway.get(target).status == 200, target
    for target in targets("example.com/large"):
        for _ in range(2):
            answer = gateway.get(target)
            assert answer.status == 502, target
            assert_says_which(answer, upstream)
    zipped = gateway.get(f"{TOO_LARGE.name}.zip")
    assert zipped.status == 502 or (framing == "chunks" and zipped.cut)
    assert len(zipped.body) < MIB
    again = gateway.get(f"{TOO_LARGE.name}.zip")
    assert again.status == 502
    assert "limits.zip" in again.text
    gateway.tidies_up()
    assert not [name for name in gateway.files("modules") if "large" in name]
    assert gateway.get(f"{SMALL.name}.zip").body == SMALL.zip_bytes


def assert_says_which(answer: Response, upstream: Upstream) -> None:
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith(("unavailable: ", "corrupt: "))
    assert upstream.url in answer.text
    assert "bytes that are allowed here" in answer.text


def test_downloads_share_the_room_of_the_spool(world: World, upstream: Upstream) -> None:
    modules = [Module(f"example.com/m{number}", "v1.0.0") for number in range(4)]
    upstream.publishes(*modules)
    rest = upstream.pauses(after=MIB, on="example.com/m?/@v/v1.0.0.zip", body=b"PK\x03\x04" + bytes(20 * MIB))
    gateway = world.gateway(upstream, limits={"spool": "64MiB", "zip": "64MiB"})
    clients = [gateway.connect() for _ in modules]
    for client, module in zip(clients[:3], modules, strict=False):
        client.asks(f"{module.name}.zip")
        assert client.begins().status == 200
    clients[3].asks(f"{modules[3].name}.zip")
    answer = clients[3].answer()
    assert answer.status == 503
    assert answer.text.startswith(f"unavailable: {modules[3]} zip: ")
    assert "limits.spool" in answer.text
    assert int(answer.headers["retry-after"]) > 0
    assert gateway.get(f"{SMALL.name}.mod").status == 200, "this needs no room there"
    rest.open()
    for client in clients:
        client.close()
    eventually(lambda: gateway.metric("modgate_spool_bytes") == 0, "the room is free again")
    assert gateway.get(f"{SMALL.name}.zip").body == SMALL.zip_bytes
    gateway.tidies_up()


@pytest.mark.parametrize(
    ("setting", "request_bytes", "status"),
    [
        ({}, b"GET /" + b"a" * 8000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        ({}, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        ({}, b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", 200),
        ({}, b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", 431),
        ({}, b"GET / HTTP/1.1\r\n" + b"".join(b"X%d: y\r\n" % number for number in range(3000)) + b"\r\n", 431),
        ({"url": "1KiB"}, b"GET /" + b"a" * 1100 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        ({"headers": "4KiB"}, b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 6000 + b"\r\n\r\n", 431),
    ],
)
def test_overlong_requests_are_told_off_in_plain_text(
    world: World, upstream: Upstream, setting: dict[str, str], request_bytes: bytes, status: int
) -> None:
    gateway = world.gateway(upstream, limits=setting)
    with gateway.connect() as client:
        client.sends(request_bytes)
        answer = client.answer()
        assert answer.status == status
        assert answer.headers["content-type"].startswith("text/plain")
        assert len(answer.body) <= 600
    assert gateway.get(f"{SMALL.name}.mod").status == 200

"""A listener takes the addresses that it is told, or says what is wrong with them."""

from __future__ import annotations

import asyncio
import random
import socket
from pathlib import Path
from typing import cast

import pytest

from modgate.errors import SetupError
from modgate.gomod import ModulePath
from modgate.serve.goodbye import unsent
from modgate.serve.sockets import bind, split_address
from modgate.serve.tls import Certificate
from modgate.source.base import Ask, Kind
from tests.serve.fakes import Authority, Client, Port, request


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:65535", ("::1", 65535)),
        (":8080", ("", 8080)),
    ],
)
def test_an_address_is_a_host_and_a_port(address: str, parts: tuple[str, int]) -> None:
    assert split_address(address, "listen") == parts


@pytest.mark.parametrize(
    "address",
    ["", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", "127.0.0.1:-1", "::1:8080", "a:²"],
)
def test_anything_else_is_refused_by_the_name_of_its_setting(address: str) -> None:
    with pytest.raises(SetupError) as raised:
        split_address(address, "admin")
    assert raised.value.field == "admin"
    assert raised.value.remedy


def test_a_taken_port_is_told_by_the_name_of_its_setting() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(
            SetupError, match=r"listen: 127\.0\.0\.1:\d+ is in use; stop the program that listens there"
        ):
            bind(f"127.0.0.1:{other.getsockname()[1]}", field="listen")


def test_an_address_of_another_machine_cannot_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    there = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [there])
    with pytest.raises(SetupError, match=r"listen: .*give an address of this machine"):
        bind("elsewhere.example:0", field="listen")


def test_a_host_without_an_address_is_told_by_the_name_of_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(SetupError, match=r"listen: 'nowhere\.example' has no address"):
        bind("nowhere.example:0", field="listen")


def test_every_address_has_one_port() -> None:
    bound = bind(":0", field="listen")
    assert len({each.getsockname()[1] for each in bound}) == 1
    assert {each.family for each in bound} >= {socket.AF_INET}
    for each in bound:
        each.close()


def test_two_processes_can_share_a_port() -> None:
    first = bind("127.0.0.1:0", field="listen", reuse_port=True)
    second = bind(f"127.0.0.1:{first[0].getsockname()[1]}", field="listen", reuse_port=True)
    assert [each.getsockname() for each in first] == [each.getsockname() for each in second]
    for each in first + second:
        each.close()


async def test_the_port_that_was_taken_is_told(port: Port) -> None:
    [address] = port.listener.addresses
    assert address == f"127.0.0.1:{port.number}"
    assert port.number > 0


async def subject(port: Port, authority: Authority) -> str:
    client = await port.client(authority.trusting)
    assert (await client.ask("/")).status == 200
    certificate = client.writer.get_extra_info("peercert")
    return str(dict(pair for part in certificate["subject"] for pair in part)["commonName"])


async def test_https_shows_a_new_certificate_after_a_reload(tmp_path: Path, authority: Authority) -> None:
    certificate = Certificate(authority.cert, authority.key)
    port = Port(tmp_path / "access.log", tls=certificate.context)
    await port.listener.start()
    old = await port.client(authority.trusting)
    assert await subject(port, authority) == "first"
    authority.issue("second")
    certificate.reload()
    assert await subject(port, authority) == "second"
    assert (await old.ask("/")).status == 200
    await port.close()


async def test_a_bad_certificate_leaves_the_old_one_in_use(tmp_path: Path, authority: Authority) -> None:
    certificate = Certificate(authority.cert, authority.key)
    port = Port(tmp_path / "access.log", tls=certificate.context)
    await port.listener.start()
    key = authority.key.read_bytes()
    authority.issue("second")
    authority.key.write_bytes(key)
    with pytest.raises(SetupError, match=r"tls_cert: .*belong together"):
        certificate.reload()
    assert await subject(port, authority) == "first"
    await port.close()


async def test_a_plain_client_on_a_tls_port_is_hung_up_on(tmp_path: Path, authority: Authority) -> None:
    port = Port(tmp_path / "access.log", tls=Certificate(authority.cert, authority.key).context)
    await port.listener.start()
    client = await port.client()
    await client.send(b"GET / HTTP/1.1\r\n\r\n")
    assert await client.is_closed()
    assert await subject(port, authority) == "first"
    assert port.logged.entries == []
    await port.close()


async def goes_on(port: Port, seconds: float, looks: int = 2) -> None:
    """Time passes, and the listener looks at its connections meanwhile."""
    for _ in range(looks):
        port.listener.sweep()
        port.clock.advance(seconds / looks)
        for _ in range(20):
            await asyncio.sleep(0)
    port.listener.sweep()


@pytest.mark.parametrize("draining", [False, True])
async def test_a_tls_client_that_says_no_goodbye_is_let_go_of(
    tmp_path: Path, authority: Authority, draining: bool
) -> None:
    port = Port(tmp_path / "access.log", tls=Certificate(authority.cert, authority.key).context)
    await port.listener.start()
    client = await port.client(authority.trusting)
    assert (await client.ask("/")).status == 200
    cast(asyncio.Transport, client.writer.transport).pause_reading()
    [connection] = port.listener._connections()
    await port.settle(lambda: not unsent(connection.transport))
    port.edge.draining = draining
    port.clock.advance(75.1)
    port.listener.sweep()
    assert connection.transport.is_closing()
    await goes_on(port, 0.0)  # our own goodbye goes out, and arrives
    await port.settle(lambda: not unsent(connection.transport))
    await goes_on(port, 1.1 if draining else 5.1)
    await port.settle(lambda: not port.listener.connections)
    client.writer.transport.abort()
    await port.close()


async def test_a_slow_tls_client_gets_the_end_of_its_answer(tmp_path: Path, authority: Authority) -> None:
    port = Port(tmp_path / "access.log", tls=Certificate(authority.cert, authority.key).context)
    body = random.Random(1).randbytes(700_000)
    port.answer("rsc.io/quote/@v/v1.5.2.mod", Ask(Kind.MOD, ModulePath("rsc.io/quote"), "v1.5.2"), body)
    await port.listener.start()
    for patient in (True, False):
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", port.number))
        reader, writer = await asyncio.open_connection(
            sock=slow, ssl=authority.trusting, server_hostname="localhost", limit=1024
        )
        client = Client(reader, writer)
        await client.send(request("/rsc.io/quote/@v/v1.5.2.mod", Connection="close"))
        await port.settle(lambda: any(one.transport.is_closing() for one in port.listener._connections()))
        await goes_on(port, 59.0, looks=12)
        assert port.listener.connections == 1
        if patient:
            assert (await client.response()).body == body
        else:
            await goes_on(port, 61.0)
        await port.settle(lambda: not port.listener.connections)
        writer.transport.abort()
    await port.close()


def test_files_that_are_not_there_are_told_by_the_name_of_their_setting(tmp_path: Path, authority: Authority) -> None:
    with pytest.raises(SetupError, match=r"tls_cert: .*missing\.pem cannot be read"):
        Certificate(tmp_path / "missing.pem", authority.key)
    with pytest.raises(SetupError, match=r"tls_key: .*missing\.pem cannot be read"):
        Certificate(authority.cert, tmp_path / "missing.pem")


def test_nonsense_is_no_certificate(tmp_path: Path, authority: Authority) -> None:
    authority.cert.write_text("nonsense")
    with pytest.raises(SetupError, match="tls_cert"):
        Certificate(authority.cert, authority.key)

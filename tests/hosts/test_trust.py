"""Who is trusted at a host, and by which certificate we are known there, is what the settings say: for each host."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from modgate.errors import Unavailable
from tests.hosts.authority import Company
from tests.hosts.tables import asked, asks, outward
from tests.world import Module, Upstream, World, faults
from tests.world.delivery import PATIENCE
from tests.world.server import LOOPBACK

MODULE = Module("example.com/m", "v1.0.0")
FILE = f"{MODULE.name}.mod"


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


async def trouble(world: World, upstream: Upstream, *tables: dict[str, object]) -> str:
    """Why there is no answer, and that the upstream was asked for nothing."""
    with pytest.raises(Unavailable) as caught:
        await asks(world, f"{upstream.url}/{FILE}", *tables)
    assert upstream.asked == 0
    assert not caught.value.again
    return caught.value.reason


async def test_an_authority_is_trusted_where_it_is_named(world: World, company: Company) -> None:
    upstream = world.upstream([MODULE], tls=company.tls())
    answer = await asks(world, f"{upstream.url}/{FILE}", {"match": LOOPBACK, "ca": company.ca})
    assert answer == (200, MODULE.mod_bytes)


async def test_an_unknown_authority_is_named_with_the_setting(world: World, company: Company) -> None:
    upstream = world.upstream([MODULE], tls=company.tls())
    told = await trouble(world, upstream)
    assert "Corp Example Authority" in told and "host.ca" in told
    other = Company(company.home, "Another Authority")
    told = await trouble(world, upstream, {"match": LOOPBACK, "ca": other.ca})
    assert "Corp Example Authority" in told and "not in the file of host[1].ca" in told


async def test_a_certificate_for_another_name_is_not_the_authoritys_fault(world: World, company: Company) -> None:
    upstream = world.upstream([MODULE], tls=company.tls())
    with pytest.raises(Unavailable) as caught:
        await asks(world, f"https://localhost:{upstream.port}/x", {"match": "localhost", "ca": company.ca})
    assert "not trusted here" in caught.value.reason and "localhost" in caught.value.reason


async def test_an_authority_is_trusted_nowhere_else(world: World, company: Company) -> None:
    upstream = world.upstream([MODULE], tls=company.tls())
    told = await trouble(world, upstream, {"match": "other.example", "ca": company.ca}, {"match": "*.example"})
    assert "host.ca" in told


async def test_a_host_that_wants_to_know_us_is_shown_our_certificate(world: World, company: Company) -> None:
    upstream = world.upstream([MODULE], tls=company.tls(known=True))
    certificate, key = company.identity()
    table = {"match": LOOPBACK, "ca": company.ca, "client_cert": certificate, "client_key": key}
    assert await asks(world, f"{upstream.url}/{FILE}", table) == (200, MODULE.mod_bytes)


@contextmanager
def doorkeeper(context: ssl.SSLContext) -> Iterator[str]:
    """The URL of a server that shakes hands, and says what it does not like about that: asyncio's servers only hang
    up."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                wrapped = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                with wrapped, suppress(OSError):
                    try:
                        wrapped.do_handshake()
                    except ssl.SSLError:
                        # What is closed before all was read is reset, and the client never reads what was said.
                        wrapped.shutdown(socket.SHUT_WR)
                        while socket.socket.recv(wrapped, 65536):
                            pass

    with socket.create_server((LOOPBACK, 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://{LOOPBACK}:{listening.getsockname()[1]}/x"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE)


async def test_without_one_the_setting_is_named(world: World, company: Company) -> None:
    certificate, key = Company(company.home, "Another Authority").identity("other")
    table = {"match": LOOPBACK, "ca": company.ca}
    with doorkeeper(company.tls(known=True)) as url:
        for more in ({}, {"client_cert": certificate, "client_key": key}):
            with pytest.raises(Unavailable) as caught:
                await asks(world, url, {**table, **more})
            assert "host.client_cert" in caught.value.reason


async def test_our_certificate_is_shown_to_nobody_that_a_redirect_leads_to(world: World, company: Company) -> None:
    elsewhere = world.upstream([MODULE], tls=company.tls(known=True))
    upstream = world.upstream(tls=company.tls())
    upstream.misbehaves(faults.redirects(f"{elsewhere.url}/{{path}}"))
    certificate, key = company.identity()
    table = {"match": LOOPBACK, "ca": company.ca, "client_cert": certificate, "client_key": key}
    with pytest.raises(Unavailable):
        await asks(world, f"{upstream.url}/{FILE}", table)
    assert elsewhere.asked == 0
    assert (await asks(world, f"{elsewhere.url}/{FILE}", table))[0] == 200


async def test_a_renewed_certificate_is_used_without_a_restart(world: World, company: Company) -> None:
    upstream = world.upstream([MODULE], tls=company.tls(known=True))
    right, wrong = company.identity("right"), Company(company.home, "Another Authority").identity("wrong")
    certificate, key = company.home / "used.pem", company.home / "used.key"

    def put(pair: tuple[Path, Path]) -> None:
        for source, goal in zip(pair, (certificate, key), strict=True):
            fresh = goal.with_suffix(".new")
            fresh.write_bytes(source.read_bytes())
            fresh.replace(goal)

    put(wrong)
    table = {"match": LOOPBACK, "ca": company.ca, "client_cert": certificate, "client_key": key}
    async with outward(world, table) as opened:
        client = opened.client()
        with pytest.raises(Unavailable):
            await asked(client, f"{upstream.url}/{FILE}")
        put(right)
        response, _ = await asked(client, f"{upstream.url}/{FILE}")
    assert response.status == 200


@pytest.mark.parametrize("name", ["ca", "client_cert"])
async def test_a_file_that_is_gone_or_broken_is_told_by_its_setting(
    world: World, company: Company, tmp_path: Path, name: str
) -> None:
    upstream, file = world.upstream([MODULE], tls=company.tls()), tmp_path / "file.pem"
    table = {"match": LOOPBACK, name: file}
    assert f"host[1].{name} cannot be used: no such file" in await trouble(world, upstream, table)
    file.write_text("nothing", encoding="utf-8")
    assert f"host[1].{name} cannot be used: they are no PEM files" in await trouble(world, upstream, table)

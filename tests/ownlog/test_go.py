"""The real go command with GOSUMDB set to the gateway's own database."""

from __future__ import annotations

import pytest

from tests.ownlog.company import NAME, PRIVATE, PUBLIC, TOOLCHAIN, founded, free_port, grow
from tests.world import Module, World

LATER = [Module("corp.example/later", f"v1.0.{number}") for number in range(3)]


@pytest.mark.workers(1, 2)
def test_private_and_public_modules_and_a_toolchain_verify(world: World) -> None:
    company = founded(world, PRIVATE, PUBLIC, TOOLCHAIN)
    gateway = company.gateway()
    go = world.go(gateway, sumdb=company.gosumdb)
    for module in (PRIVATE, PUBLIC, TOOLCHAIN):
        go.run("mod", "download", str(module))
    assert gateway.get(f"sumdb/{NAME}/lookup/{PRIVATE}").text.startswith("0\n" + PRIVATE.sums)
    assert company.upstream.asked_for(f"sumdb/*/lookup/{PRIVATE}") == 0


def test_it_goes_on_verifying_whatever_happens(world: World) -> None:
    company = founded(world, PRIVATE, PUBLIC, TOOLCHAIN, *LATER)
    gateway = company.gateway()
    go = world.go(gateway, sumdb=company.gosumdb)
    go.run("mod", "download", str(PRIVATE))

    grow(company, gateway.data, 260)
    go.run("mod", "download", str(LATER[0]))
    go.run("clean", "-modcache")
    for module in (PRIVATE, PUBLIC, TOOLCHAIN, LATER[0]):
        go.run("mod", "download", str(module))

    gateway.stop()
    gateway = company.gateway(gateway.data, listen=gateway.url.removeprefix("http://"))
    go.run("mod", "download", str(LATER[1]))
    company.upstream.goes_down()
    go.run("clean", "-modcache")
    everything = (PRIVATE, PUBLIC, TOOLCHAIN, *LATER[:2])
    for module in everything:
        go.run("mod", "download", str(module))
    assert all((go.module_cache / f"cache/download/{module.name}.zip").exists() for module in everything)
    newcomer = world.go(gateway, sumdb=company.gosumdb)
    for module in reversed(everything):
        newcomer.run("mod", "download", str(module))


@pytest.mark.workers(1, 2)
def test_with_a_port_of_its_own_it_is_asked_past_all_proxies(world: World) -> None:
    company = founded(world, PRIVATE, PUBLIC)
    address = f"127.0.0.1:{free_port()}"
    gateway = company.gateway(own={"listen": address})
    go = world.go(gateway, sumdb=f"{company.gosumdb} http://{address}")
    for module in (PRIVATE, PUBLIC):
        go.run("mod", "download", str(module))
    assert gateway.metric("modgate_requests_total", kind="sumdb", status="200") >= 2


def test_clients_with_the_old_key_and_with_the_new_one_verify_while_both_sign(world: World) -> None:
    company = founded(world, PRIVATE, *LATER)
    old = company.gosumdb
    gateway = company.gateway()
    before = world.go(gateway, sumdb=old)
    before.run("mod", "download", str(PRIVATE))
    gateway.stop()
    company.changes_key()
    gateway = company.gateway(gateway.data, listen=gateway.url.removeprefix("http://"))
    before.run("mod", "download", str(LATER[0]))
    world.go(gateway, sumdb=company.gosumdb).run("mod", "download", str(PRIVATE))
    assert company.gosumdb != old

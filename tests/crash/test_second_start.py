"""A second gateway: on the same port it is told off in one line, on the same data it is welcome."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from tests.cli.command import run
from tests.world import Gateway, Module, World, eventually

MODULE = Module("example.com/m", "v1.0.0")
MOD = f"{MODULE.name}.mod"


@pytest.mark.parametrize("field", ["listen", "admin"])
def test_a_second_start_on_a_taken_port_ends_with_two_and_says_what_to_do(world: World, field: str) -> None:
    gateway = world.gateway(world.upstream([MODULE]))
    gateway.get(MOD)
    gateway.tidies_up()
    before = gateway.files()
    address = urlsplit(gateway.url if field == "listen" else gateway.admin_url).netloc
    ports = {"listen": "127.0.0.1:0", "admin": "127.0.0.1:0", field: address}
    flags = [part for name, value in ports.items() for part in (f"--{name}", value)]
    done = run("serve", *flags, "--data", str(gateway.data), "--upstream", "off")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"modgate: {field}: {address} is in use; stop what listens there, or give another port\n"
    eventually(lambda: gateway.files() == before, "it left nothing")
    assert gateway.get(MOD).body == MODULE.mod_bytes


def test_a_port_is_free_again_as_soon_as_its_gateway_has_ended(world: World) -> None:
    upstream = world.upstream([MODULE])
    first = world.gateway(upstream)
    address = urlsplit(first.url).netloc
    with first.connect() as client:
        client.asks(MOD)
        assert client.answer().status == 200
        first.kill()
        second = world.gateway(upstream, listen=address)
    assert second.url == first.url
    assert second.get(MOD).status == 200


def test_two_gateways_on_one_store_see_what_the_other_one_has(world: World) -> None:
    upstream = world.upstream([MODULE])
    upstream.branch(MODULE.path, "main", MODULE.version)
    first = world.gateway(upstream)
    second = world.gateway(upstream, data=first.data)
    for kind in ("mod", "zip", "info", "list", "main.info"):
        path = f"{MODULE.path}/@v/{kind if kind in ('list', 'main.info') else f'v1.0.0.{kind}'}"
        assert first.get(path).cache == "miss"
        assert second.get(path).cache in {"hit", "coalesced"}, "the other one may still be writing it down"
        assert second.get(path).cache == "hit"
    assert upstream.asked == 5
    assert first.get(MOD).headers["etag"] == second.get(MOD).headers["etag"]
    first.stop()
    assert second.get(f"{MODULE.name}.zip").body == MODULE.zip_bytes


def test_a_new_version_that_one_process_fetched_is_in_the_list_of_the_other(world: World) -> None:
    upstream = world.upstream([MODULE])
    first = world.gateway(upstream)
    second = world.gateway(upstream, data=first.data)
    for _ in range(2):  # the second answer comes from memory
        assert lists(first) == lists(second) == "v1.0.0\n"
    new = Module(MODULE.path, "v1.1.0")
    upstream.publishes(new)
    assert lists(second) == "v1.0.0\n", "its list is fresh"
    assert first.get(f"{new.name}.mod").body == new.mod_bytes
    assert lists(second) == lists(first) == "v1.0.0\nv1.1.0\n"


def test_a_start_while_another_one_downloads_takes_nothing_from_it(world: World) -> None:
    large = Module("example.com/large", "v1.0.0", payload=1_000_000)
    upstream = world.upstream([large])
    rest = upstream.pauses(after=500_000)
    first = world.gateway(upstream)
    with first.connect() as client:
        client.asks(f"{large.name}.zip")
        answer = client.begins()
        spool = first.spool()
        second = world.gateway(upstream, data=first.data)
        assert first.spool() == spool
        rest.open()
        assert answer.read() == large.zip_bytes
    assert second.get(f"{large.name}.zip").cache == "hit"
    assert upstream.asked == 1


def test_many_gateways_that_start_at_once_on_an_empty_directory_make_one_store(world: World) -> None:
    upstream = world.upstream([MODULE])
    data = world.place("data")
    with ThreadPoolExecutor(4) as pool:
        gateways = list(pool.map(lambda _: world.gateway(upstream, data=data), range(4)))
    assert len({(gateway.data / "id").read_text() for gateway in gateways}) == 1
    assert {os.stat(gateway.data).st_mode & 0o777 for gateway in gateways} == {0o700}
    for gateway in gateways:
        assert gateway.get(MOD).body == MODULE.mod_bytes
    assert upstream.asked == 1


def lists(gateway: Gateway) -> str:
    return gateway.get(f"{MODULE.path}/@v/list").text

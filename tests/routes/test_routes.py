"""The first route that names a path decides where it comes from, how long it is remembered, and who hears of it."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.world import Gateway, Module, Upstream, World
from tests.world.gateway import PROGRAM

PUBLIC = Module("example.com/public", "v1.0.0")
PRIVATE = Module("corp.example/tool", "v1.0.0")


def names(upstream: Upstream) -> set[str]:
    return {request.path for request in upstream.requests}


@pytest.fixture
def world_wide(world: World) -> Upstream:
    """The mirror that everybody may ask: it has something of the private name too."""
    return world.upstream([PUBLIC, Module(PRIVATE.path, PRIVATE.version, files={"evil.go": "package evil\n"})])


@pytest.fixture
def inside(world: World) -> Upstream:
    return world.upstream([PRIVATE])


def routed(world: World, world_wide: Upstream, inside: Upstream, more: str = "") -> Gateway:
    tables = f"""
[[route]]
match = "corp.example/**"
upstream = "{inside.url}"
private = true
{more}
"""
    return world.gateway(world_wide, tables=tables)


def test_each_module_comes_from_its_route_and_nobody_else_hears_of_it(
    world: World, world_wide: Upstream, inside: Upstream
) -> None:
    gateway = routed(world, world_wide, inside)
    assert gateway.get(f"{PUBLIC.name}.zip").body == PUBLIC.zip_bytes
    assert gateway.get(f"{PRIVATE.name}.zip").body == PRIVATE.zip_bytes
    assert gateway.get("corp.example/absent/@v/list").status == 404
    assert not any("corp.example" in name for name in names(world_wide))
    assert not any("example.com" in name for name in names(inside))
    gateway.tidies_up()
    assert f"private/{PRIVATE.name}.zip" in gateway.files("modules")
    assert f"public/{PUBLIC.name}.zip" in gateway.files("modules")


def test_what_is_private_is_asked_for_each_time_and_is_not_for_shared_caches(
    world: World, world_wide: Upstream, inside: Upstream
) -> None:
    gateway = routed(world, world_wide, inside)
    assert gateway.get(f"{PRIVATE.path}/@v/list").text == "v1.0.0\n"
    inside.publishes(Module(PRIVATE.path, "v1.1.0"))
    answer = gateway.get(f"{PRIVATE.path}/@v/list")
    assert answer.text == "v1.0.0\nv1.1.0\n"
    assert "private" in answer.headers["cache-control"]
    assert "public" in gateway.get(f"{PUBLIC.path}/@v/list").headers["cache-control"]


@pytest.mark.workers(1, 2)
def test_a_new_tag_is_seen_by_whoever_asks_after_it_however_soon(
    world: World, world_wide: Upstream, inside: Upstream
) -> None:
    gateway = routed(world, world_wide, inside)
    for number in range(1, 30):
        assert f"v1.{number - 1}.0" in gateway.get(f"{PRIVATE.path}/@v/list").text
        inside.publishes(Module(PRIVATE.path, f"v1.{number}.0"))
        assert f"v1.{number}.0" in gateway.get(f"{PRIVATE.path}/@v/list").text


def test_a_path_that_becomes_private_starts_empty(world: World, world_wide: Upstream, inside: Upstream) -> None:
    data = world.place("data")
    before = world.gateway(world_wide, data=data)
    evil = before.get(f"{PRIVATE.name}.zip").body
    assert before.get(f"{PRIVATE.path}/@v/list").status == 200
    assert evil != PRIVATE.zip_bytes
    before.tidies_up()
    before.stop()
    tables = f'[[route]]\nmatch = "corp.example"\nupstream = "{inside.url}"\nprivate = true\n'
    after = world.gateway(world_wide, data=data, tables=tables)
    assert after.get(f"cached-only/{PRIVATE.name}.zip").status == 404
    assert after.get(f"{PRIVATE.name}.zip").body == PRIVATE.zip_bytes
    inside.goes_down()
    assert after.get(f"{PRIVATE.path}/@v/list").status in (502, 503, 504), "the public list is not its list"


def test_what_a_route_leaves_out_takes_the_next_one(world: World, world_wide: Upstream, inside: Upstream) -> None:
    left = Module("corp.example/open/x", "v1.0.0")
    world_wide.publishes(left)
    gateway = world.gateway(
        world_wide,
        tables=f'[[route]]\nmatch = "corp.example"\nexclude = "**/open/*"\nupstream = "{inside.url}"\nprivate = true\n',
    )
    assert gateway.get(f"{left.name}.mod").status == 200
    assert inside.asked_for("mod") == 0


def test_a_route_has_limits_and_ages_of_its_own(world: World) -> None:
    large = Module("big.example/m", "v1.0.0", payload=3_000_000)
    upstream = world.upstream([large, Module("small.example/m", "v1.0.0", payload=3_000_000)])
    tables = """
[[route]]
match = "big.example"
limits = { zip = "1MiB" }
freshness = { fresh = "0s", stale = "0s" }
"""
    gateway = world.gateway(upstream, tables=tables)
    refused = gateway.get(f"{large.name}.zip")
    assert refused.status == 502
    assert "limits.zip" in refused.text
    assert gateway.get("small.example/m/@v/v1.0.0.zip").status == 200
    for _ in range(2):
        gateway.get("big.example/m/@v/list")
        gateway.get("small.example/m/@v/list")
    assert [upstream.asked_for(f"{path}/@v/list") for path in ("big.example/m", "small.example/m")] == [2, 1]


def test_a_route_of_off_serves_what_is_stored_and_asks_nobody(world: World, world_wide: Upstream) -> None:
    data = world.place("data")
    first = world.gateway(world_wide, data=data)
    assert first.get(f"{PUBLIC.name}.mod").status == 200
    first.tidies_up()
    first.stop()
    gateway = world.gateway(world_wide, data=data, tables='[[route]]\nmatch = "example.com"\nupstream = "off"\n')
    asked = len(world_wide.requests)
    assert gateway.get(f"{PUBLIC.name}.mod").body == PUBLIC.mod_bytes
    refused = gateway.get(f"{PUBLIC.name}.zip")
    assert refused.status == 404
    assert "off" in refused.text
    assert len(world_wide.requests) == asked


def test_private_modules_are_not_verified_and_their_names_reach_no_checksum_database(
    world: World, world_wide: Upstream, inside: Upstream
) -> None:
    database = world.database()
    database.records(PUBLIC)
    relay = world.upstream([PUBLIC], database=database)
    tables = f'[[route]]\nmatch = "corp.example"\nupstream = "{inside.url}"\nprivate = true\n'
    gateway = world.gateway(relay, checksum=database.key, tables=tables)
    assert gateway.get(f"{PUBLIC.name}.mod").status == 200
    assert gateway.get(f"{PRIVATE.name}.zip").body == PRIVATE.zip_bytes
    assert gateway.get(f"sumdb/{database.name}/lookup/{PRIVATE.path}@{PRIVATE.version}").status in (403, 404)
    assert not any("corp.example" in name for name in names(relay))


def test_go_builds_with_both(world: World, inside: Upstream, world_wide: Upstream) -> None:
    gateway = routed(world, world_wide, inside)
    go = world.go(gateway)
    go.run("mod", "download", str(PUBLIC), str(PRIVATE))
    got = json.loads(go.run("mod", "download", "-json", str(PRIVATE)))
    assert got["Sum"] == PRIVATE.h1


def test_the_command_says_why(world: World) -> None:
    file = world.settings_file('[[route]]\nmatch = "corp.example/**"\nupstream = "https://u:secret@a.example"\n')
    command = [str(PROGRAM), "route", "corp.example/x", "--config", str(file), "--upstream", "off"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "route[1]: matched by corp.example/**" in told
    assert "https://a.example" in told
    assert "secret" not in told


def test_nobody_is_asked_ahead_for_what_another_route_has(world: World, inside: Upstream) -> None:
    using = Module(
        "example.com/using", "v1.0.0", go_mod="module example.com/using\n\nrequire corp.example/tool v1.0.0\n"
    )
    other = Module(
        "example.com/other", "v1.0.0", go_mod="module example.com/other\n\nrequire example.com/using v1.0.0\n"
    )
    mirror = world.upstream([using, other])
    tables = f'[[route]]\nmatch = "corp.example"\nupstream = "{inside.url}"\nprivate = true\n'
    gateway = world.gateway(mirror, tables=tables, fetch_ahead="public")
    assert gateway.get(f"{other.name}.mod").status == 200
    mirror.wait_until_asked(2)  # for the go.mod that the first one requires
    gateway.tidies_up()
    assert gateway.get(f"{using.name}.mod").status == 200
    assert not any("corp.example" in name for name in names(mirror))
    assert inside.asked == 0

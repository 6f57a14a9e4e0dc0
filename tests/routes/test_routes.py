"""The first route that names a path decides where it comes from, how long it is remembered, and who hears of it."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.outage.trouble import expect_trouble
from tests.world import Gateway, Module, Upstream, World
from tests.world.gateway import PROGRAM
from tests.world.guard import without_settings

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


EXPLAINED = """
upstream = "https://u:secret@home.example|file:///srv/mirror,direct"
private = "*.corp.example"
[[route]]
match = ["github.com/corp/*", "corp.example"]
upstream = "direct"
private = true
namespace = "corp"
[[route]]
match = "github.com/**"
exclude = "github.com/left/out"
upstream = "https://a.example|https://b.example,direct"
checksum = false
freshness = { fresh = "5m" }
[[host]]
match = "b.example"
token = "env:TOKEN"
[[host]]
match = "corp.example"
username = "u"
password = "env:TOKEN"
[[view.team.route]]
match = 're:github\\.com/(x|y)/.*'
"""


@pytest.mark.parametrize(
    ("module", "told"),
    [
        (
            "corp.example/tool",
            [
                "route       route[1]: matched by corp.example",
                "private     yes: route[1].private is true",
                "namespace   corp",
                "asks        direct  (host[2]: user and password)",
                "ages        fresh for 0s, stale up to 0s, kept for outages up to 30d",
            ],
        ),
        (
            "github.com/any/thing",
            [
                "route       route[2]: matched by github.com/**",
                "private     no",
                "namespace   public",
                "asks        https://a.example",
                "if it fails https://b.example  (host[1]: token)",
                "if absent   direct",
                "ages        fresh for 5m, stale up to 3h, kept for outages up to 30d",
                "verified    no: route[2].checksum is false",
            ],
        ),
        (
            "github.com/left/out/x",
            [
                "route       upstream: no other route takes it; route[2] matches, but leaves it out by github.com/left",
                "asks        https://home.example  (credentials in its URL)",
                "if it fails file:///srv/mirror",
                "in trouble  {fallback}",
            ],
        ),
        ("git.corp.example/x", ["private     yes: the setting private has *.corp.example", "namespace   private"]),
        ("github.com/x/y --view team", ["view        team", "route       view.team.route[1]: matched by re:"]),
    ],
)
def test_the_command_tells_all_that_follows(world: World, module: str, told: list[str]) -> None:
    file, fallback = world.settings_file(EXPLAINED), world.place("fallback")
    fallback.mkdir()
    environ = {**without_settings(os.environ), "TOKEN": "secret", "GOMODCACHE_FALLBACK": str(fallback)}
    command = [str(PROGRAM), "route", *module.split(), "--config", str(file)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, env=environ).stdout
    for line in told:
        assert line.format(fallback=fallback) in shown
    assert "secret" not in shown
    assert ("in trouble" in shown) is ("private     no" in shown)


def test_a_route_has_deadlines_and_a_checksum_rule_of_its_own(world: World) -> None:
    database = world.database()
    relay = world.upstream([PUBLIC], database=database)
    loose, strict = Module("loose.example/m", "v1.0.0"), Module("strict.example/m", "v1.0.0")
    unrecorded, hanging = world.upstream([loose, strict]), world.upstream()
    hanging.hangs()
    tables = f"""
[[route]]
match = "loose.example"
upstream = "{unrecorded.url}"
checksum = false
[[route]]
match = "strict.example"
upstream = "{unrecorded.url}"
[[route]]
match = "slow.example"
upstream = "{hanging.url}"
deadlines = {{ first_byte = "1s" }}
"""
    gateway = world.gateway(relay, checksum=database.key, tables=tables)
    assert gateway.get(f"{PUBLIC.name}.zip").body == PUBLIC.zip_bytes
    assert gateway.get(f"{loose.name}.zip").body == loose.zip_bytes
    assert gateway.get(f"{strict.name}.zip").status != 200
    answer = gateway.get("slow.example/m/@v/list")
    expect_trouble(answer, 504)
    assert "sent no first byte within 1 s" in answer.text


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

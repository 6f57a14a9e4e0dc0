"""A view is a GOPROXY of its own: its routes, its lists, its private modules; what is public is stored once."""

from __future__ import annotations

import pytest

from tests.world import Gateway, Module, Upstream, World

PUBLIC = Module("example.com/public", "v1.0.0")
SECRET = Module("corp.example/secret", "v1.0.0")


@pytest.fixture
def mirror(world: World) -> Upstream:
    return world.upstream([PUBLIC])


@pytest.fixture
def team(world: World) -> Upstream:
    """What only the team has; it has a newer version of the public module, too."""
    return world.upstream([SECRET, PUBLIC, Module(PUBLIC.path, "v1.1.0")])


@pytest.fixture
def gateway(world: World, mirror: Upstream, team: Upstream) -> Gateway:
    tables = f"""
[[view.team-a.route]]
match = "corp.example/**"
upstream = "{team.url}"
private = true
[[view.team-a.route]]
match = "**"
upstream = "{team.url}"
[view.team-b]
"""
    return world.gateway(mirror, tables=tables)


@pytest.mark.workers(1, 2)
def test_each_view_asks_its_own_upstreams(gateway: Gateway, mirror: Upstream, team: Upstream) -> None:
    assert gateway.get(f"team-a/{PUBLIC.path}/@v/list").text == "v1.0.0\nv1.1.0\n"
    assert gateway.get(f"{PUBLIC.path}/@v/list").text == "v1.0.0\n"
    assert gateway.get(f"team-b/{PUBLIC.path}/@v/list").text == "v1.0.0\n"
    assert gateway.get(f"{PUBLIC.path}/@v/v1.1.0.mod").status == 404
    assert gateway.get(f"team-a/{PUBLIC.path}/@v/v1.1.0.mod").status == 200


def test_what_is_private_in_one_view_is_not_there_in_another(gateway: Gateway, mirror: Upstream) -> None:
    assert gateway.get(f"team-a/{SECRET.name}.zip").body == SECRET.zip_bytes
    assert gateway.get(f"team-a/{SECRET.name}.zip").headers["x-cache"] == "hit"
    for other in ("", "team-b/", "cached-only/", "team-b/cached-only/"):
        assert gateway.get(f"{other}{SECRET.name}.zip").status == 404
        assert gateway.get(f"{other}{SECRET.path}/@v/list").status == 404


def test_what_is_public_is_stored_once_for_all(gateway: Gateway, mirror: Upstream, team: Upstream) -> None:
    assert gateway.get(f"{PUBLIC.name}.zip").body == PUBLIC.zip_bytes
    gateway.tidies_up()
    assert gateway.get(f"team-a/{PUBLIC.name}.zip").body == PUBLIC.zip_bytes
    assert gateway.get(f"team-b/{PUBLIC.name}.zip").body == PUBLIC.zip_bytes
    assert (mirror.asked_for("zip"), team.asked_for("zip")) == (1, 0)


def test_answers_from_memory_are_those_of_the_view(gateway: Gateway) -> None:
    for _ in range(3):
        assert gateway.get(f"team-a/{PUBLIC.path}/@v/list").text == "v1.0.0\nv1.1.0\n"
        assert gateway.get(f"{PUBLIC.path}/@v/list").text == "v1.0.0\n"


def test_a_view_that_is_not_there_says_so(gateway: Gateway) -> None:
    refused = gateway.get(f"team-c/{PUBLIC.path}/@v/list")
    assert refused.status == 404
    assert 'no view "team-c"' in refused.text
    assert gateway.get("team-a").status == 200


@pytest.mark.parametrize("base", ["", "/go"])
def test_go_works_with_a_view(world: World, team: Upstream, base: str) -> None:
    database = world.database()
    database.records(PUBLIC)
    relay = world.upstream([PUBLIC], database=database)
    tables = f'[[view.team-a.route]]\nmatch = "corp.example"\nupstream = "{team.url}"\nprivate = true\n'
    gateway = world.gateway(relay, tables=tables, base_path=base, checksum=database.key)
    go = world.go(f"{gateway.url}/team-a", sumdb=database.key, GONOSUMDB="corp.example")
    go.run("mod", "download", str(PUBLIC), str(SECRET))
    assert gateway.metric("modgate_requests_total", kind="sumdb") > 0

"""Real go commands work through the gateway, with the same results as without it, and go on working from what it has
when the upstream is gone."""

from __future__ import annotations

import json

import pytest

from tests.world import Database, Gateway, Go, Module, Upstream, World, faults, get

GREETING = 'package greeting\n\nfunc Hello() string { return "hello, %s" }\n'
MAIN = """package main

import (
	"fmt"

	greeting "example.com/Corp/greeting"
	"example.com/lib/v2"
)

func main() { fmt.Println(greeting.Hello(), lib.Version) }
"""
TOOL = 'package main\n\nimport "example.com/lib/v2"\n\nfunc main() { println(lib.Version) }\n'
LIB = Module("example.com/lib/v2", "v2.1.0", files={"lib.go": 'package lib\n\nconst Version = "v2.1.0"\n'})
NEWER_LIB = Module("example.com/lib/v2", "v2.2.0", files={"lib.go": 'package lib\n\nconst Version = "v2.2.0"\n'})
MODULES = [
    Module("example.com/Corp/greeting", "v1.0.0", files={"g.go": GREETING % "old"}, requires={LIB.path: "v2.1.0"}),
    Module("example.com/Corp/greeting", "v1.1.0", files={"g.go": GREETING % "world"}, requires={LIB.path: "v2.1.0"}),
    LIB,
    NEWER_LIB,
    Module("example.com/tool", "v0.3.0", files={"main.go": TOOL}, requires={LIB.path: "v2.1.0"}),
    Module("example.com/old", "v3.0.0+incompatible", in_zip=False),
    Module("example.com/big", "v1.0.0", payload=3_000_000),
]


@pytest.fixture
def database(world: World) -> Database:
    return world.database("sum.example.com/db")


@pytest.fixture
def upstream(world: World, database: Database) -> Upstream:
    made = world.upstream(MODULES, database=database)
    made.branch("example.com/Corp/greeting", "main", "v1.1.0")
    return made


@pytest.fixture
def gateway(world: World, upstream: Upstream, database: Database) -> Gateway:
    """Its lists are old at once, so that it has to try its upstream again and again."""
    return world.gateway(upstream, checksum=database.key, freshness={"public": {"fresh": "0s", "stale": "0s"}})


def works(go: Go) -> object:
    """What a developer does, with everything that it comes to."""
    app = go.project("app", {"main.go": MAIN})
    go.run("get", "example.com/Corp/greeting@v1.0.0", "example.com/lib/v2@latest", cwd=app)
    before = go.run("run", ".", cwd=app)
    go.run("get", "-u", "example.com/Corp/greeting@main", cwd=app)
    go.run("mod", "tidy", cwd=app)
    after = go.run("run", ".", cwd=app)
    go.run("install", "example.com/tool@latest")
    said = json.loads(go.run("mod", "download", "-json", "example.com/big@v1.0.0"))
    go.run("mod", "download", "example.com/old@v3.0.0+incompatible")
    versions = go.run("list", "-m", "-versions", "example.com/Corp/greeting", "example.com/lib/v2", cwd=app)
    return before, after, (app / "go.mod").read_text(), (app / "go.sum").read_text(), said["Sum"], versions


def test_developers_get_the_same_with_it_without_it_and_when_the_upstream_is_gone(
    world: World, upstream: Upstream, database: Database, gateway: Gateway
) -> None:
    without = works(world.go(upstream, sumdb=database.key))
    assert without[:2] == ("hello, old v2.2.0\n", "hello, world v2.2.0\n")  # type: ignore[index]
    assert works(world.go(gateway, sumdb=database.key)) == without
    gateway.tidies_up()
    upstream.goes_down()
    assert works(world.go(gateway, sumdb=database.key)) == without
    gateway.kill()
    after = world.gateway(upstream, checksum=database.key, data=gateway.data)
    assert works(world.go(after, sumdb=database.key)) == without


def test_only_what_it_knows_to_be_absent_is_looked_for_elsewhere(
    world: World, upstream: Upstream, gateway: Gateway
) -> None:
    outside = world.upstream([Module("example.com/outside", "v1.0.0")])  # as `direct` would be
    go = world.go(f"{gateway.url},{outside.url}", GONOSUMDB="*")
    go.run("mod", "download", "example.com/outside@v1.0.0", "example.com/lib/v2@v2.1.0")
    assert outside.asked_for("*/lib/*") == 0
    outside.forgets()
    upstream.misbehaves(faults.status(503))
    said = go.fails("mod", "download", "example.com/big@v1.0.0")
    assert "502 Bad Gateway" in said
    assert f"server response:\n\tunavailable: example.com/big@v1.0.0 info: {upstream.url}: answered 503" in said
    assert outside.asked == 0


def test_https_works_with_the_certificate_authority_of_the_company(world: World, database: Database) -> None:
    upstream = world.upstream(MODULES, database=database, tls=world.certificate())
    upstream.branch("example.com/Corp/greeting", "main", "v1.1.0")
    authority = world.home / "authority.pem"
    certificate, key = world.home / "tls.crt", world.home / "tls.key"
    world.writes_certificate(certificate, key)
    gateway = world.gateway(upstream, checksum=database.key, tls_cert=certificate, tls_key=key)
    assert gateway.url.startswith("https://")
    go = world.go(gateway, sumdb=database.key, SSL_CERT_FILE=str(authority))
    works(go)
    stranger = world.go(gateway, sumdb=database.key)
    assert "certificate" in stranger.fails("mod", "download", "example.com/big@v1.0.0")
    assert get(f"{gateway.url}/", authority=world.trust()).headers["x-mirror-status"] == "ok"


def test_a_cold_module_graph_costs_its_info_and_mod_files_and_no_zip(
    world: World, upstream: Upstream, gateway: Gateway
) -> None:
    go = world.go(gateway, GONOSUMDB="*", GOFLAGS="-mod=mod")
    app = go.project("app", {"go.mod": "module example.com/app\n\ngo 1.16\n\nrequire example.com/tool v0.3.0\n"})
    go.run("list", "-m", "all", cwd=app)
    kinds = {request.kind for request in upstream.requests}
    assert kinds <= {"info", "mod", "list", "supported", "lookup", "tile"}
    paths = [request.path for request in upstream.requests]
    assert len(paths) == len(set(paths))


def graph(go: str) -> list[Module]:
    """Forty modules that require each other, as of this version of Go."""
    return [
        Module(
            f"example.com/graph/m{number:02}",
            "v1.0.0",
            go_mod=f"module example.com/graph/m{number:02}\n\ngo {go}\n\n"
            + "".join(
                f"require example.com/graph/m{number + step:02} v1.0.0\n" for step in (1, 3, 7) if number + step < 40
            ),
        )
        for number in range(40)
    ]


@pytest.mark.parametrize("version", ["1.16", "1.21"])
def test_what_is_fetched_ahead_of_a_go_command_is_what_it_asks_for(world: World, version: str) -> None:
    upstream = world.upstream(graph(version))
    main = f"module example.com/app\n\ngo {version}\n\nrequire example.com/graph/m00 v1.0.0\n"
    wanted = set[str]()
    for proxy in (upstream, world.gateway(upstream, fetch_ahead="public")):
        upstream.forgets()
        go = world.go(proxy, GONOSUMDB="*", GOFLAGS="-mod=mod")
        go.run("list", "-m", "all", cwd=go.project("app", {"go.mod": main}))
        paths = [request.path for request in upstream.requests]
        assert len(paths) == len(set(paths))
        wanted = wanted or set(paths)
    assert set(paths) == wanted
    assert len(wanted) > (30 if version == "1.16" else 1)

"""The real go command takes the simulated world for the real one."""

from __future__ import annotations

import pytest

from tests.world import Module, World

LIB = Module("example.com/Lib", "v1.2.0", files={"lib.go": 'package lib\n\nconst Says = "hello"\n'})
OLD = Module("example.com/old", "v3.1.0+incompatible", in_zip=False, go_mod="module example.com/old\n")
APP = {"main.go": 'package main\n\nimport "example.com/Lib"\n\nfunc main() { println(lib.Says) }\n'}


def test_it_downloads_from_an_upstream_and_checks_with_a_database_at_its_own_address(world: World) -> None:
    database = world.database()
    server = world.database_server(database)
    database.grows(254)  # so that the records lie on both sides of a full tile
    upstream = world.upstream([LIB, OLD, Module("example.com/m", "v1.0.0")], database=database)
    go = world.go(upstream, sumdb=f"{database.key} {server.url}")
    for module in (LIB, OLD):
        go.run("mod", "download", str(module))
    database.grows(300)
    go.run("mod", "download", "example.com/m@v1.0.0")
    assert upstream.asked_for("zip") == 3
    assert upstream.asked_for("sumdb/*") == 0
    assert server.asked_for("lookup") == 3


def test_a_program_is_built_and_its_sums_are_those_of_the_modules(world: World) -> None:
    database = world.database("sum.corp.example/go")
    upstream = world.upstream([LIB], database=database)
    go = world.go(upstream, sumdb=database.key)
    app = go.project("app", APP)
    go.run("get", "example.com/Lib@latest", cwd=app)
    assert (app / "go.sum").read_text() == LIB.sums
    assert go.tries("run", ".", cwd=app).stderr == "hello\n"
    assert upstream.asked_for("supported") == 1


@pytest.mark.parametrize("lie", ["zip", "record"])
def test_a_lie_is_a_security_error(world: World, lie: str) -> None:
    database = world.database()
    if lie == "record":
        database.records_sums(LIB.path, LIB.version, LIB.sums.replace(LIB.h1, OLD.h1))
    upstream = world.upstream([LIB], database=database)
    if lie == "zip":
        upstream.publishes(Module(LIB.path, LIB.version, files={"lib.go": "package lib\n"}))
    go = world.go(upstream, sumdb=database.key)
    assert "SECURITY ERROR" in go.fails("mod", "download", str(LIB))


def test_it_says_what_a_broken_upstream_says(world: World) -> None:
    upstream = world.upstream([LIB])
    upstream.goes_down()
    assert "connection refused" in world.go(upstream).fails("mod", "download", str(LIB))

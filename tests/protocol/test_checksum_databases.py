"""Checksum databases that the settings name are relayed and kept; of any other, nobody hears (protocol.md §5.6)."""

from __future__ import annotations

import json

import pytest

from tests.protocol.asking import expect_error, kept
from tests.world import Database, Gateway, Module, Upstream, World, at_once, faults

NAME = "sum.example.com"
SLASHES = "sum.corp.example/go/sumdb"


@pytest.fixture(scope="module")
def module(upstream: Upstream, database: Database) -> Module:
    database.grows(300)
    module = Module("example.com/Recorded", "v1.0.0+incompatible".replace("v1", "v2"))
    upstream.publishes(module)
    return module


def lookup(module: Module) -> str:
    return f"lookup/{module.name.replace('/@v/', '@')}"


# What is answered.


def test_a_lookup_is_the_databases_own_answer_and_is_kept_for_ever(
    gateway: Gateway, upstream: Upstream, database: Database, module: Module
) -> None:
    target = f"sumdb/{NAME}/{lookup(module)}"
    first = gateway.get(target)
    assert first.body == database.answer(lookup(module)).body
    assert first.cache == "miss"
    assert first.headers["content-type"] == "text/plain; charset=utf-8"
    assert "immutable" in first.headers["cache-control"]
    database.grows(1)
    upstream.forgets()
    assert kept(gateway, target).body == first.body
    assert gateway.get(target.replace("!", "%21")).body == first.body
    assert upstream.asked == 0


@pytest.mark.parametrize(
    "tile", ["8/0/000", "8/0/000.p/200", "8/0/000.p/1", "8/0/001.p/44", "8/1/000.p/1", "8/data/000"]
)
def test_tiles_of_every_width_are_kept_for_ever(
    gateway: Gateway, upstream: Upstream, database: Database, module: Module, tile: str
) -> None:
    target = f"sumdb/{NAME}/tile/{tile}"
    first = gateway.get(target)
    assert (first.status, first.body) == (200, database.answer(f"tile/{tile}").body)
    assert first.headers["content-type"] == "application/octet-stream"
    assert "immutable" in first.headers["cache-control"]
    database.grows(1)
    upstream.forgets()
    assert kept(gateway, target).body == first.body
    assert gateway.get(target, method="HEAD").headers["content-length"] == str(len(first.body))
    assert gateway.get(target, if_none_match=first.headers["etag"]).status == 304
    assert upstream.asked == 0


def test_the_head_of_the_tree_is_short_lived(gateway: Gateway, database: Database, module: Module) -> None:
    answer = gateway.get(f"sumdb/{NAME}/latest")
    assert answer.text.startswith("go.sum database tree\n")
    assert "immutable" not in answer.headers["cache-control"]


def test_supported_is_answered_here(gateway: Gateway, upstream: Upstream) -> None:
    upstream.forgets()
    for method in ("GET", "HEAD"):
        assert gateway.get(f"sumdb/{NAME}/supported", method=method).status == 200
    assert upstream.asked == 0


def test_a_record_that_is_not_there_yet_is_asked_for_again(
    gateway: Gateway, upstream: Upstream, database: Database
) -> None:
    late = Module("example.com/late", "v1.0.0")
    target = f"sumdb/{NAME}/{lookup(late)}"
    for _ in range(2):
        answer = gateway.get(target)
        assert (answer.status, answer.headers["cache-control"]) == (404, "no-store")
    database.records(late)
    assert gateway.get(target).status == 200


def test_a_tile_that_has_not_grown_is_404(gateway: Gateway, database: Database) -> None:
    for _ in range(2):
        expect_error(gateway.get(f"sumdb/{NAME}/tile/8/0/x009/999"), 404)


def test_the_go_command_believes_it(world: World) -> None:
    database = world.database(SLASHES)
    database.grows(300)
    module = Module("example.com/m", "v1.0.0")
    upstream = world.upstream([module], database=database)
    gateway = world.gateway(upstream, checksum_database=(SLASHES,))
    go = world.go(gateway, sumdb=database.key)
    assert json.loads(go.run("mod", "download", "-json", str(module)))["Sum"] == module.h1
    assert upstream.asked_for("lookup") == 1


# What is refused.


@pytest.mark.parametrize(
    "rest",
    [
        "supported/",
        "supported/x",
        "Supported",
        "latest/x",
        "lookup",
        "lookup/",
        "lookup/example.com/m",
        "lookup/example.com/m@",
        "lookup/@v1.0.0",
        "lookup/example.com/m@v1",
        "lookup/example.com/m@v1.0",
        "lookup/example.com/m@main",
        "lookup/example.com/m@latest",
        "lookup/example.com/m@v1.0.0/go.mod",
        "lookup/example.com/m@v1.0.0+meta",
        "lookup/example.com/m@v1.0.0@v1.0.0",
        "lookup/example.com/Upper@v1.0.0",
        "lookup/example.com/m@v1.0.0-RC1",
        "lookup/example.com/!!m@v1.0.0",
        "lookup/nodot/m@v1.0.0",
        "lookup//example.com/m@v1.0.0",
        "tile",
        "tile/8",
        "tile/8/0",
        "tile/8/0/",
        "tile/8/0/1",
        "tile/8/0/0000",
        "tile/8/0/x000/001",
        "tile/8/0/x001",
        "tile/8/0/x001/234/",
        "tile/8/0/001/002",
        "tile/08/0/000",
        "tile/8/00/000",
        "tile/8/-1/000",
        "tile/8/64/000",
        "tile/0/0/000",
        "tile/31/0/000",
        "tile/8/0/000.p/0",
        "tile/8/0/000.p/256",
        "tile/8/0/000.p/01",
        "tile/8/0/000.p/",
        "tile/8/0/000.p/1/x",
        "tile/8/0/000.P/1",
        "tile/8/data/000.q/1",
        "tile/8/Data/000",
        "tile/8/0/%E0%A5%A6%E0%A5%A6%E0%A5%A6",
        "x",
        "lookup/example.com/m@v1.0.0?x=1#y",
    ],
)
def test_bad_requests_are_4xx_and_nobody_is_asked(gateway: Gateway, upstream: Upstream, rest: str) -> None:
    upstream.forgets()
    answer = gateway.get(f"sumdb/{NAME}/{rest}")
    assert answer.status in {400, 404}
    expect_error(answer, answer.status)
    assert upstream.asked == 0


@pytest.mark.parametrize(
    "name",
    ["sum.golang.example", "sum.example.co", "sum.example.comx", "SUM.EXAMPLE.COM", "x/sum.example.com", "localhost"],
)
def test_other_databases_are_404_and_nobody_is_asked(gateway: Gateway, upstream: Upstream, name: str) -> None:
    upstream.forgets()
    for rest in ("supported", "latest", "lookup/example.com/m@v1.0.0", "tile/8/0/000"):
        expect_error(gateway.get(f"sumdb/{name}/{rest}"), 404, "not found: ")
    assert upstream.asked == 0


def test_a_name_alone_is_nothing(gateway: Gateway) -> None:
    for target in ("sumdb", f"sumdb/{NAME}"):
        expect_error(gateway.get(target), 404, "not found: ")
    for target in ("sumdb/", f"sumdb/{NAME}/"):
        expect_error(gateway.get(target), 400, "refused: ")


def test_private_paths_are_answered_here(gateway: Gateway, upstream: Upstream) -> None:
    upstream.forgets()
    for path in ("private.example.com/a", "private.example.com/!a/b/v2", "private.example.com/a%2d"):
        version = "v2.0.0" if path.endswith("v2") else "v1.0.0"
        answer = gateway.get(f"sumdb/{NAME}/lookup/{path}@{version}")
        expect_error(answer, 404, "not found: private.example.com/")
        assert "private" in answer.text.partition(":")[2]
    assert upstream.asked == 0


def test_the_toolchain_is_never_private(world: World) -> None:
    database = world.database()
    toolchain = Module("golang.org/toolchain", "v0.0.1-go1.99.0.linux-amd64")
    upstream = world.upstream([toolchain], database=database)
    gateway = world.gateway(upstream, checksum_database=(NAME,), private="golang.org,*.example.com")
    assert gateway.get(f"sumdb/{NAME}/{lookup(toolchain)}").status == 200
    assert gateway.get(f"sumdb/{NAME}/lookup/a.example.com/m@v1.0.0").status == 404
    assert not upstream.asked_for("*a.example.com*")


def test_cached_only_asks_no_database(gateway: Gateway, upstream: Upstream, database: Database) -> None:
    module = Module("example.com/cachedsum", "v1.0.0")
    database.records(module)
    target = f"sumdb/{NAME}/{lookup(module)}"
    upstream.forgets()
    expect_error(gateway.get(f"cached-only/{target}"), 404)
    expect_error(gateway.get(target, disable_module_fetch="true"), 404)
    assert upstream.asked == 0
    kept(gateway, target)
    assert gateway.get(f"cached-only/{target}").cache == "hit"
    assert gateway.get(f"cached-only/sumdb/{NAME}/supported").status == 200


# Trouble.


def test_supported_is_never_404_whatever_the_state_of_the_upstream(world: World) -> None:
    database = world.database()
    upstream = world.upstream(database=database)
    gateway = world.gateway(upstream, checksum_database=(NAME,), deadlines={"first_byte": "1s"})
    for fault in (faults.status(404), faults.status(503), faults.garbage(), faults.hangs_up()):
        upstream.misbehaves(fault)
        assert gateway.get(f"sumdb/{NAME}/supported").status == 200
    upstream.goes_down()
    assert gateway.get(f"sumdb/{NAME}/supported").status == 200
    assert gateway.get(f"cached-only/sumdb/{NAME}/supported").status == 200


@pytest.mark.parametrize(
    "fault",
    [
        faults.status(500),
        faults.status(400),
        faults.status(401),
        faults.status_page(503),
        faults.login_page(),
        faults.body(b""),
        faults.body(b"not found"),
        faults.body(b"1\nexample.com/m v1.0.0 h1:x\n"),
        faults.other_success(204),
        faults.hangs_up(),
        faults.cuts(after=20),
        faults.garbage(),
    ],
)
def test_trouble_is_5xx_and_is_not_remembered(world: World, fault: faults.Fault) -> None:
    database = world.database()
    module = Module("example.com/m", "v1.0.0")
    upstream = world.upstream([module], database=database)
    gateway = world.gateway(upstream, checksum_database=(NAME,), breaker={"failures": 1000})
    targets = [f"sumdb/{NAME}/{rest}" for rest in (lookup(module), "tile/8/0/000.p/1", "latest")]
    for kind in ("lookup", "tile", "latest"):
        upstream.misbehaves(fault, on=kind)
    for target in targets:
        for _ in range(2):
            answer = gateway.get(target, cache_control="no-cache")
            assert answer.status in {502, 503, 504}, answer
            expect_error(answer, answer.status)
    upstream.behaves()
    for target in targets:
        assert gateway.get(target, cache_control="no-cache").status == 200, target


def test_one_single_failure_is_hidden(gateway: Gateway, upstream: Upstream, database: Database) -> None:
    module = Module("example.com/hidden", "v1.0.0")
    database.records(module)
    upstream.misbehaves(faults.status(503), on="lookup", times=1)
    assert gateway.get(f"sumdb/{NAME}/{lookup(module)}").status == 200


def test_the_head_is_served_stale_while_the_database_is_down(world: World) -> None:
    database = world.database()
    upstream = world.upstream(database=database)
    gateway = world.gateway(upstream, checksum_database=(NAME,))
    first = kept(gateway, f"sumdb/{NAME}/latest")
    upstream.goes_down()
    answer = gateway.get(f"sumdb/{NAME}/latest", cache_control="no-cache")
    assert (answer.status, answer.body) == (200, first.body)
    assert answer.cache in {"stale", "hit"}  # within a second of the first it is not asked again


def test_a_hundred_lookups_are_one(gateway: Gateway, upstream: Upstream, database: Database) -> None:
    module = Module("example.com/crowd", "v1.0.0")
    database.records(module)
    upstream.forgets()
    upstream.misbehaves(faults.slow_first_byte(0.3), on="lookup")
    answers = at_once(30, lambda _: gateway.get(f"sumdb/{NAME}/{lookup(module)}"))
    upstream.behaves()
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert upstream.asked_for("lookup") == 1


def test_many_lookups_at_once_ask_once_whether_the_upstream_supports_it(world: World) -> None:
    database = world.database()
    modules = [Module(f"example.com/m{number}", "v1.0.0") for number in range(15)]
    upstream = world.upstream(modules, database=database)
    gateway = world.gateway(upstream, checksum_database=(NAME,))
    upstream.misbehaves(faults.slow_first_byte(0.2), on="supported")
    answers = at_once(len(modules), lambda number: gateway.get(f"sumdb/{NAME}/{lookup(modules[number])}"))
    assert {answer.status for answer in answers} == {200}
    assert (upstream.asked_for("supported"), upstream.asked_for("lookup")) == (1, len(modules))


def test_trouble_with_that_question_is_told_to_all_and_not_remembered(world: World) -> None:
    database = world.database()
    modules = [Module(f"example.com/m{number}", "v1.0.0") for number in range(6)]
    upstream = world.upstream(modules, database=database)
    gateway = world.gateway(upstream, checksum_database=(NAME,), deadlines={"first_byte": "1s"})
    upstream.hangs(on="supported")
    answers = at_once(len(modules), lambda number: gateway.get(f"sumdb/{NAME}/{lookup(modules[number])}"))
    for answer in answers:
        expect_error(answer, 504, "unavailable: ")
    upstream.behaves()
    assert gateway.get(f"sumdb/{NAME}/{lookup(modules[0])}").status == 200


# How a database is reached.


def test_names_may_hold_slashes_and_the_longest_wins(world: World) -> None:
    short, long = world.database("sum.corp.example"), world.database("sum.corp.example/go")
    long.grows(3)
    one, other = world.database_server(short), world.database_server(long)
    gateway = world.gateway(
        world.upstream(), checksum_database=(f"sum.corp.example {one.url}", f"sum.corp.example/go {other.url}")
    )
    assert gateway.get("sumdb/sum.corp.example/latest").body == short.head()
    assert gateway.get("sumdb/sum.corp.example/go/latest").body == long.head()
    assert gateway.get("sumdb/sum.corp.example/go/supported").status == 200
    expect_error(gateway.get("sumdb/sum.corp.example/goo/latest"), 400)


def test_an_url_in_the_settings_bypasses_the_upstreams(world: World) -> None:
    database = world.database()
    upstream, server = world.upstream(database=database), world.database_server(database)
    gateway = world.gateway(upstream, checksum_database=(f"{NAME} {server.url}",))
    assert gateway.get(f"sumdb/{NAME}/latest").status == 200
    assert (upstream.asked, server.asked) == (0, 1)


def test_an_upstream_that_supports_it_is_asked_before_the_next(world: World) -> None:
    database = world.database()
    module = Module("example.com/m", "v1.0.0")
    database.records(module)
    without, with_it, spare = world.upstream(), world.upstream(database=database), world.upstream(database=database)
    gateway = world.gateway(f"{without.url},{with_it.url},{spare.url}", checksum_database=(NAME,))
    assert gateway.get(f"sumdb/{NAME}/{lookup(module)}").status == 200
    assert [server.asked_for("lookup") for server in (without, with_it, spare)] == [0, 1, 0]
    assert without.asked_for("supported") == 1


@pytest.mark.parametrize(("separator", "status"), [(",", 502), ("|", 200)])
def test_trouble_moves_on_after_a_bar_only(world: World, separator: str, status: int) -> None:
    database = world.database()
    module = Module("example.com/m", "v1.0.0")
    database.records(module)
    first, second = world.upstream(database=database), world.upstream(database=database)
    first.misbehaves(faults.status(500))
    gateway = world.gateway(f"{first.url}{separator}{second.url}", checksum_database=(NAME,))
    assert gateway.get(f"sumdb/{NAME}/{lookup(module)}").status == status


def test_a_record_with_a_name_that_no_file_can_have_does_no_harm(gateway: Gateway, database: Database) -> None:
    for module in (Module("example.com/" + "a" * 300, "v1.0.0"), Module("example.com/m", "v1.0.0-" + "a" * 300)):
        database.records(module)
        answer = gateway.get(f"sumdb/{NAME}/{lookup(module)}")
        assert answer.status < 500, answer
        assert gateway.get("readyz").status == 200

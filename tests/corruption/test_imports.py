"""Files may come into the tree, and the tree to another place, by a copy: what is right of it is served, and nothing is
believed for being there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.corruption.damage import flipped
from tests.world import Gateway, Go, Module, Upstream, World

MODULES = [
    Module("example.com/Upper/m", "v1.0.0", payload=100_000),
    Module("example.com/m", "v1.2.3-0.20240102030405-abcdefabcdef"),
    Module("example.com/old", "v2.0.0+incompatible", in_zip=False),
]
FILES = {
    f"{module.name}.{kind}": body
    for module in MODULES
    for kind, body in (("info", module.info_bytes), ("mod", module.mod_bytes), ("zip", module.zip_bytes))
}
ONE = f"{MODULES[0].name}.zip"


@pytest.fixture
def upstream(world: World) -> Upstream:
    return world.upstream(MODULES)


def fills(world: World, upstream: Upstream) -> Go:
    """A developer whose module cache has all of them."""
    go = world.go(upstream)
    go.run("mod", "download", *map(str, MODULES))
    return go


def copy(go: Go, gateway: Gateway) -> None:
    shutil.copytree(go.module_cache / "cache/download", gateway.data / "modules/public", dirs_exist_ok=True)


def assert_serves_all(gateway: Gateway, **headers: str) -> None:
    for name, body in FILES.items():
        answer = gateway.get(name, **headers)
        assert (answer.status, answer.body) == (200, body), name


def test_a_copy_of_a_module_cache_is_served_without_asking_anybody(world: World, upstream: Upstream) -> None:
    go = fills(world, upstream)
    gateway = world.gateway(upstream)
    copy(go, gateway)
    upstream.goes_down()
    assert_serves_all(gateway)
    again = world.gateway(upstream, data=gateway.data)
    assert_serves_all(again)
    fresh = world.go(again)
    fresh.run("mod", "download", *map(str, MODULES))


@pytest.mark.parametrize("how", ["header", "path"])
def test_such_a_copy_is_what_is_cached(world: World, upstream: Upstream, how: str) -> None:
    go = fills(world, upstream)
    upstream.forgets()
    gateway = world.gateway(upstream)
    copy(go, gateway)
    for _ in range(2):
        if how == "header":
            assert_serves_all(gateway, disable_module_fetch="true")
        else:
            assert {gateway.get(f"cached-only/{name}").status for name in FILES} == {200}
    assert gateway.get("example.com/m/@v/v9.9.9.mod", disable_module_fetch="true").status == 404
    assert upstream.asked == 0


def test_bad_files_of_a_copy_are_fetched_instead(world: World, upstream: Upstream) -> None:
    go = fills(world, upstream)
    cache = go.module_cache / "cache/download"
    for name in FILES:
        if not name.endswith(".mod"):  # any text can be a go.mod
            flipped(cache / name)
        else:
            (cache / name).write_bytes(b"\0\1\2")
    upstream.forgets()
    gateway = world.gateway(upstream)
    copy(go, gateway)
    for name, body in FILES.items():
        answer = gateway.get(name)
        if name.endswith(".info") and answer.body != body:
            continue  # one bit can make another good .info
        assert (answer.status, answer.body) == (200, body), name
        assert upstream.asked_for(name) == 1


def test_a_copied_file_is_not_believed_against_what_was_first_seen(world: World, upstream: Upstream) -> None:
    gateway = world.gateway(upstream)
    assert_serves_all(gateway)
    other = Module(MODULES[0].path, MODULES[0].version, files={"other.go": "package other\n"})
    gateway.tidies_up()
    (gateway.data / "modules/public" / ONE).write_bytes(other.zip_bytes)
    assert gateway.get(ONE).body == MODULES[0].zip_bytes


def test_all_rows_may_be_lost(world: World, upstream: Upstream) -> None:
    gateway = world.gateway(upstream)
    assert_serves_all(gateway)
    gateway.tidies_up()
    gateway.kill()
    (gateway.data / "records.db").unlink()  # and what belongs to it is left behind, as careless people do
    upstream.goes_down()
    after = world.gateway(upstream, data=gateway.data)
    assert_serves_all(after)


@pytest.mark.parametrize("way", ["moved", "copied", "behind a link"])
def test_a_data_directory_may_go_elsewhere(world: World, upstream: Upstream, way: str) -> None:
    gateway = world.gateway(upstream)
    assert_serves_all(gateway)
    upstream.branch("example.com/m", "main", MODULES[1].version)
    said = [gateway.get("example.com/m/@v/list").body, gateway.get("example.com/m/@v/main.info").body]
    identity = (gateway.data / "id").read_text()
    gateway.tidies_up()
    gateway.stop()
    elsewhere = world.place("elsewhere") / "deep" / "below"
    elsewhere.parent.mkdir(parents=True)
    if way == "copied":
        shutil.copytree(gateway.data, elsewhere)
    else:
        gateway.data.rename(elsewhere)
    if way == "behind a link":
        gateway.data.symlink_to(elsewhere)
        elsewhere = gateway.data
    upstream.goes_down()
    after = world.gateway(upstream, data=elsewhere)
    assert_serves_all(after)
    assert [after.get("example.com/m/@v/list").body, after.get("example.com/m/@v/main.info").body] == said
    assert (elsewhere / "id").read_text() == identity


def test_the_tree_is_a_proxy_of_files_for_the_go_command(world: World, upstream: Upstream) -> None:
    gateway = world.gateway(upstream)
    assert_serves_all(gateway)
    gateway.tidies_up()
    upstream.goes_down()
    tree = gateway.data / "modules/public"
    go = world.go(f"file://{tree}")
    go.run("mod", "download", *map(str, MODULES))
    back = Path(go.module_cache / "cache/download")
    for name, body in FILES.items():
        assert (back / name).read_bytes() == body, name
    for module, versions in zip(MODULES, (["v1.0.0"], [], ["v2.0.0+incompatible"]), strict=True):
        assert go.run("list", "-m", "-versions", module.path).split() == [module.path, *versions]


def test_the_tree_is_a_module_cache_for_the_go_command(world: World, upstream: Upstream) -> None:
    gateway = world.gateway(upstream)
    assert_serves_all(gateway)
    gateway.tidies_up()
    go = world.go("off")
    shutil.copytree(gateway.data / "modules/public", go.module_cache / "cache/download")
    go.run("mod", "download", *map(str, MODULES))

"""Everything can be served below a path, and probes find their endpoints in either place."""

from __future__ import annotations

import pytest

from tests.protocol.asking import expect_error
from tests.world import Database, Gateway, Module, Upstream, World, get

MODULE = Module("example.com/Based", "v1.0.0", payload=100_000)


@pytest.fixture(scope="module")
def based(wide_world: World, upstream: Upstream, database: Database) -> Gateway:
    upstream.publishes(MODULE)
    return wide_world.gateway(upstream, base_path="/go/mod.v1", checksum_database=(database.name,))


@pytest.fixture(scope="module")
def root(based: Gateway) -> str:
    """The URL of the port, without the base path."""
    return based.url.removesuffix("/go/mod.v1")


def test_the_url_that_is_told_has_the_path(based: Gateway, root: str) -> None:
    assert based.url == f"{root}/go/mod.v1"
    assert f"GOPROXY={based.url}" in based.log_text()


@pytest.mark.parametrize("kind", ["info", "mod", "zip"])
def test_modules_are_served_below_it(based: Gateway, kind: str) -> None:
    expected = {"info": MODULE.info_bytes, "mod": MODULE.mod_bytes, "zip": MODULE.zip_bytes}[kind]
    for _ in range(2):
        assert based.get(f"{MODULE.name}.{kind}").body == expected
    assert based.get(f"cached-only/{MODULE.name}.{kind}").status in {200, 404}


def test_checksum_databases_are_too(based: Gateway) -> None:
    assert based.get("sumdb/sum.example.com/supported").status == 200
    assert based.get("sumdb/sum.example.com/latest").status == 200


@pytest.mark.parametrize(
    "target",
    [
        f"{MODULE.name}.mod",
        "go",
        "go/mod.v",
        f"go/mod.v1x/{MODULE.name}.mod",
        f"go/mod.v/{MODULE.name}.mod",
        f"go/{MODULE.name}.mod",
        "cached-only/go/mod.v1/" + f"{MODULE.name}.mod",
        f"go/mod.v1/go/mod.v1/{MODULE.name}.mod",
        "sumdb/sum.example.com/supported",
    ],
)
def test_nothing_else_is(root: str, target: str) -> None:
    expect_error(get(f"{root}/{target}"), 404, "not found: ")


@pytest.mark.parametrize("target", ["health/live", "health/ready", "healthz", "readyz", "version", ""])
def test_probes_are_answered_in_both_places(based: Gateway, root: str, target: str) -> None:
    for method in ("GET", "HEAD"):
        assert get(f"{root}/{target}", method=method).status == 200
        assert based.get(target, method=method).status == 200
        assert get(f"{based.admin_url}/{target}", method=method).status == 200
        assert get(f"{based.admin_url}/go/mod.v1/{target}", method=method).status == 200
    assert get(f"{root}/go/mod.v1").status == 200


def test_traversal_does_not_leave_it(root: str) -> None:
    for target in ("go/mod.v1/../../healthz", "go/mod.v1//healthz", "go/%6dod.v1/..%2f", "go%2fmod.v1/healthz"):
        answer = get(f"{root}/{target}")
        assert answer.status == 400
        expect_error(answer, 400, "refused: ")


def test_the_go_command_works_below_it(based: Gateway, wide_world: World) -> None:
    go = wide_world.go(based)
    assert go.run("list", "-m", "-versions", MODULE.path).split() == [MODULE.path, "v1.0.0"]
    go.run("mod", "download", str(MODULE))

"""Real programs are built from real modules through the gateway, and go on being built when the world is gone."""

from __future__ import annotations

import pytest

from tests.real.work import EVERYTHING, Work
from tests.world import World

PUBLIC_DATABASE = "sum.golang.org"

VERSIONS = [
    pytest.param("", id="the-go-of-this-machine"),
    pytest.param("1.21", marks=pytest.mark.soak),
    pytest.param("1.24", marks=pytest.mark.soak),
    pytest.param("newest", marks=pytest.mark.soak),
]


@pytest.mark.real
@pytest.mark.timeout(300)  # seconds; a slow line has to bring some 200 MB
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("work", "toolchain"), [pytest.param(*each, id=each[0].__name__) for each in EVERYTHING])
def test_it_is_the_same_without_the_gateway_through_it_and_with_the_world_cut_off(
    world: World, mirror: str, outside: dict[str, str], work: Work, toolchain: str, version: str
) -> None:
    options = {"sumdb": PUBLIC_DATABASE, "version": version, "GOTOOLCHAIN": toolchain}
    expected = work(world.go(mirror, **options, **outside))

    gateway = world.gateway(mirror, checksum=PUBLIC_DATABASE, environ=outside)
    assert work(world.go(gateway, **options)) == expected
    gateway.stop()

    nobody = world.upstream()
    nobody.goes_down()
    alone = world.gateway(nobody, checksum=f"{PUBLIC_DATABASE} {nobody.url}", data=gateway.data)
    assert work(world.go(alone, **options)) == expected


@pytest.mark.real
@pytest.mark.timeout(300)
def test_a_package_is_found_through_the_chain_that_most_machines_have(
    world: World, mirror: str, outside: dict[str, str]
) -> None:
    """The go command asks for each prefix of the package's path, and what the mirror does not know is looked for where
    the path says."""
    gateway = world.gateway(f"{mirror},direct", checksum=PUBLIC_DATABASE, environ=outside)
    go = world.go(gateway, sumdb=PUBLIC_DATABASE)
    project = go.project("app", {"go.mod": "module example.com/app\n\ngo 1.21\n"})
    go.run("get", "golang.org/x/mod/semver@v0.23.0", cwd=project)
    assert "golang.org/x/mod v0.23.0" in (project / "go.mod").read_text()

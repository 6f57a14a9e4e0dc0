"""`modgate why` shows the whole chain without asking anybody; `modgate checksum preload` fills a store for a site
without a way out."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.verification.conftest import LARGE, SMALL, Verify, files_of, keeps
from tests.verification.test_forks import MODGATE, command
from tests.world import Database, Gateway, Module, Upstream, World, faults
from tests.world.delivery import Delivery, Request


def preload(
    world: World, database: Database, upstream: Upstream, lines: str, *settings: str, at: Path | None = None
) -> tuple[subprocess.CompletedProcess[str], str]:
    """What it said, and the data directory."""
    place = at or world.place("store")
    arguments = ("--data", str(place), "--upstream", upstream.url, "--checksum", database.key, *settings)
    done = subprocess.run(
        [str(MODGATE), "checksum", "preload", "--from", "-", *arguments],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        input=lines,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done, str(place)


def listed(*modules: Module) -> Sequence[str]:
    """The same modules, in each way to write them."""
    return (
        "".join(f"{module}\n" for module in modules),
        "".join(module.sums for module in modules),
        "".join(
            json.dumps({"Path": m.path, "Version": m.version, "Sum": m.h1, "GoModSum": m.mod_h1}, indent=1)
            for m in modules
        ),
    )


def test_why_a_module_is_believed(verify: Verify, database: Database, upstream: Upstream) -> None:
    gateway = verify()
    for kind in ("info", "mod", "zip"):
        gateway.get(f"{SMALL.name}.{kind}")
    keeps(gateway, *files_of(SMALL))
    upstream.goes_down()
    said = command(gateway, database, "why", str(SMALL))
    assert said.returncode == 0, said.stderr
    for part in (SMALL.h1, SMALL.mod_h1, "record 300 of sum.example.com", "proven just now", "go.sum database tree"):
        assert part in said.stdout
    assert said.stdout.count("matched record 300") == 2
    assert said.stdout.count("no record speaks of it") == 1


def test_why_a_module_is_not(verify: Verify, database: Database, upstream: Upstream) -> None:
    gateway = verify()
    gateway.get(f"{SMALL.name}.mod")
    keeps(gateway, *files_of(SMALL, "mod"))
    said = command(gateway, database, "why", str(LARGE))
    assert said.returncode == 1
    assert "is not stored here" in said.stdout and "cannot be proven" in said.stdout
    wrong = command(gateway, database, "why", "nonsense")
    assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1


def test_nothing_is_told_of_a_place_that_is_no_data_directory(world: World, database: Database) -> None:
    gateway = world.gateway("off")
    gateway.stop()
    (gateway.data / "records.db").unlink()
    said = command(gateway, database, "checksum", "status")
    assert said.returncode == 2 and "is no data directory of modgate" in said.stderr


@pytest.mark.parametrize("form", [0, 1, 2], ids=["lines", "go.sum", "json"])
def test_a_site_without_a_way_out_keeps_its_checksum_database(
    world: World, database: Database, upstream: Upstream, form: int
) -> None:
    done, place = preload(world, database, upstream, listed(SMALL, LARGE)[form])
    assert (done.returncode, done.stdout) == (0, "2 modules in the list, 0 failed\n"), done.stderr
    modules = world.upstream([SMALL, LARGE])  # which has no database
    assert place
    gateway = offline(world, database, modules, place)
    go = world.go(gateway, sumdb=database.key)
    go.run("mod", "download", str(SMALL), str(LARGE))
    assert gateway.metric("modgate_verifications_total", verdict="verified") >= 2


def offline(world: World, database: Database, modules: Upstream, place: str) -> Gateway:
    """A gateway whose modules come from nearby and whose database cannot be reached."""
    nowhere = world.upstream()
    nowhere.goes_down()
    return world.gateway(modules, checksum=f"{database.key} {nowhere.url}", data=place)


def test_another_directory_may_be_named_to_read_from(world: World, database: Database, upstream: Upstream) -> None:
    _, place = preload(world, database, upstream, f"{SMALL}\n")
    modules = world.upstream([SMALL])
    nowhere = world.upstream()
    nowhere.goes_down()
    gateway = world.gateway(
        modules, checksum=f"{database.key} {nowhere.url}", environ={"GOSUMDB_DIR": f"{place}/sumdb"}
    )
    go = world.go(gateway, sumdb=database.key)
    go.run("mod", "download", str(SMALL))


def test_what_is_cut_in_the_other_directory_is_asked_for(
    world: World, database: Database, upstream: Upstream, tmp_path: Path
) -> None:
    place = tmp_path / database.name / "tile/8/0"
    place.mkdir(parents=True)
    (place / "000").write_bytes(b"cut")
    gateway = world.gateway(upstream, checksum=database.key, environ={"GOSUMDB_DIR": str(tmp_path)})
    name = f"sumdb/{database.name}/tile/8/0/000"
    assert gateway.get(name).body == database.answer("tile/8/0/000").body
    assert gateway.get(f"{name}.p/7").body == database.answer("tile/8/0/000.p/7").body


MANY = [Module("example.com/many", f"v1.0.{number}") for number in range(8)]
STEPS = (1, 254, 2, 700, 0, 3, 256, 65_000)
"""Records that come between one lookup and the next: over boundaries of tiles on two levels, and none."""


def growing(database: Database) -> faults.Fault:
    """With each lookup the database has a larger head, as the public one has with each second."""
    steps = itertools.chain(STEPS, itertools.repeat(1))

    def misbehave(request: Request, _: Delivery) -> Delivery:
        database.grows(next(steps))
        return database.answer(request.path.partition(f"{database.name}/")[2])

    return misbehave


def test_a_database_that_grows_meanwhile_can_still_be_verified_in_any_order(
    world: World, database: Database, upstream: Upstream
) -> None:
    upstream.publishes(*MANY)
    upstream.misbehaves(growing(database), on="*/lookup/*")
    done, place = preload(world, database, upstream, listed(*MANY)[0])
    assert (done.returncode, done.stderr) == (0, "")
    gateway = offline(world, database, world.upstream(MANY), place)
    for order in (MANY, MANY[::-1], MANY[3:] + MANY[:3]):
        go = world.go(gateway, sumdb=database.key)
        for module in order:
            go.run("mod", "download", str(module))


def test_what_was_verified_and_cannot_be_kept_is_told(world: World, database: Database, upstream: Upstream) -> None:
    place = world.place("store")
    tiles = place / "sumdb" / database.name / "tile"
    tiles.parent.mkdir(parents=True)
    tiles.write_text("no directory\n")
    done, _ = preload(world, database, upstream, f"{SMALL}\n", at=place)
    assert (done.returncode, done.stdout) == (1, "1 modules in the list, 1 failed\n")
    assert f"{SMALL}: is not kept here, and nobody was asked\n" in done.stderr


def test_a_toolchain_is_always_preloaded(world: World, database: Database, upstream: Upstream) -> None:
    toolchain = Module("golang.org/toolchain", "v0.0.1-go1.22.0.linux-amd64")
    upstream.publishes(toolchain)
    lines = f"{toolchain}\ngolang.org/x/mod@v0.23.0\n"
    done, _ = preload(world, database, upstream, lines, "--private", "golang.org")
    assert done.returncode == 0
    assert upstream.asked_for("lookup") == 1


def test_what_cannot_be_verified_is_told(world: World, database: Database, upstream: Upstream) -> None:
    wrong = SMALL.sums.replace(SMALL.h1, LARGE.h1)
    done, _ = preload(
        world,
        database,
        upstream,
        f"{wrong}example.com/unknown@v1.0.0\nprivate.example/x@v1.0.0\n",
        "--private",
        "private.example",
    )
    assert done.returncode == 1
    assert f"{SMALL}: the list has {LARGE.h1} of its zip, the record {SMALL.h1}" in done.stderr
    assert "example.com/unknown@v1.0.0: " in done.stderr
    assert done.stdout == "3 modules in the list, 2 failed\n"
    assert upstream.asked_for("*private.example*") == 0


def test_a_list_that_is_none_is_one_line(world: World, database: Database, upstream: Upstream) -> None:
    for text in ("nonsense", "a b", "example.com/m@main", '{"Path": 1}', "{"):
        done, _ = preload(world, database, upstream, text)
        assert done.returncode == 2 and done.stderr.startswith("modgate: --from:"), text

"""`modgate upstreams --compare` measures mirrors on the same modules and recommends a chain."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modgate.gateway.upstreams_ranking import Sight, Taken, figures, recommended
from modgate.source.base import Kind
from tests.upstreams.commands import alone
from tests.world import Module, Upstream, World, faults

OLD = Module("example.com/Corp/m", "v1.0.0", payload=100_000)
NEW = Module("example.com/Corp/m", "v1.1.0")
OTHER = Module("example.com/other", "v2.0.0+incompatible")


def compare(home: Path, *arguments: str) -> dict[str, dict[str, Any]]:
    done = alone(home, "upstreams", "--compare", "--json", "--modules", "example.com/Corp/m@v1.0.0", *arguments)
    document = json.loads(done.stdout)
    return {**{one["url"]: one for one in document["upstreams"]}, "": document}


def test_a_good_a_stale_a_small_a_lying_and_a_dead_one(world: World, tmp_path: Path) -> None:
    database = world.database("sum.golang.org")
    good = world.upstream([OLD, NEW, OTHER], database=database)
    stale, small = world.upstream([OLD, OTHER]), world.upstream([OLD, NEW])
    lying = world.upstream([replace(OLD, payload=1000), NEW, OTHER])
    dead = world.upstream()
    dead.goes_down()
    urls = [one.url for one in (dead, lying, small, stale, good)]
    seen = compare(tmp_path, "--modules", "example.com/other@v2.0.0+incompatible", *urls)
    assert (seen[good.url]["coverage"], seen[good.url]["success"], seen[good.url]["missing_versions"]) == (1.0, 1.0, 0)
    assert seen[good.url]["supports_checksums"] is True
    assert seen[stale.url]["supports_checksums"] is False
    assert seen[stale.url]["missing_versions"] == 1
    assert seen[small.url]["coverage"] == 0.5
    assert seen[lying.url]["differs"] == ["example.com/Corp/m@v1.0.0 zip"]
    assert (seen[dead.url]["success"], seen[dead.url]["p50_seconds"]) == (0.0, None)
    assert seen[good.url]["p50_seconds"] <= seen[good.url]["p95_seconds"]
    assert seen[good.url]["bytes_per_second"] > 0
    assert seen[""]["recommended"] == f"{good.url}|{stale.url}|{small.url}"


def test_people_get_a_table(world: World, tmp_path: Path) -> None:
    one, other = world.upstream([OLD]), world.upstream([OLD])
    listed = tmp_path / "modules.txt"
    listed.write_text("# ours\nexample.com/Corp/m@v1.0.0\n")
    done = alone(tmp_path, "upstreams", "--compare", "--modules", str(listed), one.url, other.url)
    assert done.returncode == 0
    head, *rows, last = done.stdout.splitlines()
    assert head.split()[:3] == ["MIRROR", "P50", "P95"]
    assert {row.split()[0] for row in rows} == {one.url, other.url}
    assert last.startswith("Recommended: http://127.0.0.1:")


def test_without_urls_it_is_the_chain_of_the_settings(world: World, tmp_path: Path) -> None:
    one, other = world.upstream([OLD]), world.upstream([OLD])
    chain = f"{one.url.replace('//', '//user:secret@')}|{other.url},direct"
    done = alone(tmp_path, "upstreams", "--compare", "--modules", "example.com/Corp/m@v1.0.0", "--upstream", chain)
    assert one.url in done.stdout
    assert other.url in done.stdout
    assert "secret" not in done.stdout + done.stderr
    assert one.requests[0].headers["authorization"].startswith("Basic ")


def test_nothing_to_recommend_is_an_exit_code(world: World, tmp_path: Path) -> None:
    upstream = world.upstream()
    upstream.misbehaves(faults.status(500))
    done = alone(tmp_path, "upstreams", "--compare", "--modules", "example.com/Corp/m@v1.0.0", upstream.url)
    assert done.returncode == 1
    assert "None of them can be recommended" in done.stdout


def needs_slash(upstream: Upstream) -> None:
    upstream.misbehaves(faults.status(200), on="go/")
    upstream.misbehaves(faults.redirects("/go/"), on="go")


def test_a_url_that_is_answered_only_with_a_slash_is_told(world: World, tmp_path: Path) -> None:
    upstream = world.upstream([OLD])
    needs_slash(upstream)
    url = f"{upstream.url}/go"
    assert compare(tmp_path, url)[url]["wants_slash"] is True


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["ftp://a.example"], "URL: "),
        (["https://a.example|https://b.example"], "is not one mirror"),
        (["direct"], "is not one mirror"),
        (["--modules", "nonsense", "https://a.example"], "--modules: nonsense names no module"),
    ],
)
def test_what_cannot_be_compared_is_told_in_a_line(tmp_path: Path, arguments: list[str], told: str) -> None:
    done = alone(tmp_path, "upstreams", "--compare", *arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


# Figures.


def sight(url: str, *, zip_hash: str = "h1:a", first: float = 0.1, versions: tuple[str, ...] = ("v1",)) -> Sight:
    taken = [
        Taken("m@v1", Kind.LIST, 200, first, first, 10, versions),
        Taken("m@v1", Kind.INFO, 200, first, first, 10),
        Taken("m@v1", Kind.MOD, 200, first, first, 10, ("h1:m",)),
        Taken("m@v1", Kind.ZIP, 200, first, 2 * first, 1000, (zip_hash,)),
    ]
    return Sight(url, taken)


def test_of_two_that_differ_nobody_is_right() -> None:
    found = figures([sight("a"), sight("b", zip_hash="h1:b")])
    assert [one.differs for one in found] == [("m@v1 zip",), ("m@v1 zip",)]
    assert recommended(found) == ""


def test_the_odd_one_out_is_left_out() -> None:
    found = figures([sight("a"), sight("b", zip_hash="h1:b"), sight("c")])
    assert [one.url for one in found if one.differs] == ["b"]
    assert recommended(found) == "a|c"


def test_what_is_current_comes_before_what_is_fast() -> None:
    found = figures([sight("fast", first=0.01), sight("current", versions=("v1", "v2"))])
    assert [one.missing for one in found] == [1, 0]
    assert recommended(found) == "current|fast"
    assert recommended(figures([sight("slow"), sight("fast", first=0.01)])) == "fast|slow"

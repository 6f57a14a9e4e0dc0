"""A chain falls back as GOPROXY does: after `,` on absence only, after `|` on everything (protocol.md §1.5)."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.outage.trouble import KINDS, LARGE, body_of, expect_trouble, expect_whole, target_of
from tests.world import Gateway, Module, Upstream, World, faults
from tests.world.faults import Fault

FAULTS: dict[str, Fault] = {
    "absent": faults.status(404, "not found: says A"),
    "gone": faults.status(410, "not found: says A"),
    "forbidden": faults.status(403, "blocked, says A"),
    "unwelcome": faults.status(401),
    "busy": faults.status(429, retry_after=3),
    "broken": faults.status(500),
    "garbage": faults.garbage(),
    "cut": faults.cuts(after=5),
    "another-success": faults.other_success(204),
    "lie": faults.login_page(),
}
WHERE_THE_FIRST_COUNTS = {"absent": 404, "gone": 404, "forbidden": 403, "busy": 429}
"""What the client gets where A's answer is the one that counts; whatever is not here is 502."""


@dataclass(frozen=True)
class Pair:
    """Upstreams A, which fails, and B behind it in the chain."""

    gateway: Gateway
    first: Upstream
    second: Upstream

    def publish(self, path: str, *, on_second: bool) -> Module:
        """A has the module; B too, or not."""
        module = Module(path, "v1.0.0")
        for upstream in (self.first, self.second)[: 1 + on_second]:
            upstream.publishes(module)
            upstream.branch(module.path, "main", "v1.0.0")
        return module


def pair(world: World, separator: str) -> Pair:
    first, second = world.upstream(), world.upstream()
    for name, fault in FAULTS.items():
        first.misbehaves(fault, on=f"example.com/{name}/*")
    gateway = world.gateway(f"{first.url}{separator}{second.url}", breaker={"failures": 1000})
    return Pair(gateway, first, second)


@pytest.fixture(scope="module")
def comma(wide_world: World) -> Pair:
    return pair(wide_world, ",")


@pytest.fixture(scope="module")
def bar(wide_world: World) -> Pair:
    return pair(wide_world, "|")


@pytest.mark.parametrize("fault", FAULTS)
def test_after_a_comma_only_absence_moves_on(comma: Pair, fault: str) -> None:
    status = 200 if fault in {"absent", "gone"} else WHERE_THE_FIRST_COUNTS.get(fault, 502)
    for number, kind in enumerate(KINDS):
        module = comma.publish(f"example.com/{fault}/m{number}", on_second=True)
        answer = comma.gateway.get(target_of(module, kind))
        assert answer.status == status, (kind, answer)
        assert bool(comma.second.asked_for(f"{module.path}/*")) is (status == 200)
        assert status != 200 or answer.body == body_of(module, kind)


@pytest.mark.parametrize("fault", FAULTS)
def test_after_a_bar_every_error_moves_on(bar: Pair, fault: str) -> None:
    for number, kind in enumerate(KINDS):
        module = bar.publish(f"example.com/{fault}/has/m{number}", on_second=True)
        answer = bar.gateway.get(target_of(module, kind))
        if fault == "lie" and "zip" in kind:
            # As in Go: what is wrong with a zip is found when it is there, and then nobody else is asked.
            expect_trouble(answer, 502, begins="corrupt: ")
        else:
            assert (answer.status, answer.body) == (200, body_of(module, kind)), kind


@pytest.mark.parametrize("fault", FAULTS)
def test_after_a_bar_absence_of_the_second_does_not_hide_trouble_of_the_first(bar: Pair, fault: str) -> None:
    for number, kind in enumerate(KINDS):
        module = bar.publish(f"example.com/{fault}/lacks/m{number}", on_second=False)
        answer = bar.gateway.get(target_of(module, kind))
        assert answer.status == WHERE_THE_FIRST_COUNTS.get(fault, 502), (kind, answer)


@pytest.mark.parametrize(("separator", "status"), [(",", 502), ("|", 200)])
def test_an_upstream_that_is_gone_is_an_error_like_others(world: World, separator: str, status: int) -> None:
    module = Module("example.com/m", "v1.0.0")
    first, second = world.upstream([module]), world.upstream([module])
    gateway = world.gateway(f"{first.url}{separator}{second.url}", breaker={"failures": 1000})
    first.goes_down()
    for kind in ("list", "latest", "info", "mod", "zip"):
        assert gateway.get(target_of(module, kind)).status == status
    if separator == "|":
        expect_trouble(gateway.get("example.com/other/@v/list"), 502)


def test_trouble_of_the_second_after_absence_of_the_first_is_trouble(world: World) -> None:
    first, second = world.upstream(), world.upstream()
    second.misbehaves(faults.status(500))
    for separator in (",", "|"):
        gateway = world.gateway(f"{first.url}{separator}{second.url}")
        for _ in range(2):
            expect_trouble(gateway.get("example.com/m/@v/list"), 502)


def test_absence_of_all_is_absence_in_the_words_of_one_of_them(world: World) -> None:
    first, second = world.upstream(), world.upstream()
    first.misbehaves(faults.status(404, "not found: says A"))
    second.misbehaves(faults.status(410, "not found: says B"))
    gateway = world.gateway(f"{first.url},{second.url}")
    answer = gateway.get("example.com/m/@v/list")
    assert answer.status == 404
    assert answer.text in {"not found: says A", "not found: says B"}
    assert (first.asked, second.asked) == (1, 1)


def test_off_ends_a_chain_with_absence(world: World) -> None:
    upstream = world.upstream()
    gateway = world.gateway(f"{upstream.url},off,{world.upstream({'example.com/m': ['v1.0.0']}).url}")
    assert gateway.get("example.com/m/@v/list").status == 404
    upstream.misbehaves(faults.status(500))
    expect_trouble(gateway.get("example.com/n/@v/list"), 502)


def test_a_cut_zip_is_finished_by_the_next_upstream_after_a_bar(world: World) -> None:
    module = Module("example.com/m", "v1.0.0", payload=LARGE)
    first, second = world.upstream([module]), world.upstream([module])
    first.misbehaves(faults.cuts(after=100_000), on="zip")
    gateway = world.gateway(f"{first.url}|{second.url}")
    answer = gateway.get(f"{module.name}.zip")
    assert (answer.status, answer.cut, answer.body) == (200, False, module.zip_bytes)


def test_what_the_second_has_of_other_content_is_not_glued_to_what_the_first_sent(world: World) -> None:
    gateway, name, whole = unlike_pair(world, cuts=1)
    answers = [gateway.get(name) for _ in range(2)]
    assert all(answer.cut or answer.body in whole for answer in answers)
    assert answers[-1].body in whole


def test_where_the_first_always_breaks_the_second_serves_its_own_content(world: World) -> None:
    gateway, name, whole = unlike_pair(world, cuts=None)
    gateway.get(name)
    answer = gateway.get(name)
    assert (answer.cut, answer.body) == (False, whole[1])


def unlike_pair(world: World, cuts: int | None) -> tuple[Gateway, str, list[bytes]]:
    """`A|B` whose zips of one version differ, and A's is cut so many times (None: always)."""
    versions = [Module("example.com/m", "v1.0.0", payload=LARGE, files={"a.go": f"package {name}"}) for name in "ab"]
    first, second = (world.upstream([version]) for version in versions)
    first.misbehaves(faults.cuts(after=90_000), on="zip", times=cuts)
    return world.gateway(f"{first.url}|{second.url}"), f"{versions[0].name}.zip", [v.zip_bytes for v in versions]


def test_a_directory_is_a_member_like_any_other(world: World) -> None:
    module = Module("example.com/m", "v1.0.0", payload=LARGE)
    tree = world.place("tree")
    (tree / "example.com/m/@v").mkdir(parents=True)
    for extension, data in (("info", module.info_bytes), ("mod", module.mod_bytes), ("zip", module.zip_bytes)):
        (tree / f"{module.name}.{extension}").write_bytes(data)
    (tree / "example.com/m/@v/list").write_text("v1.0.0\n")
    upstream, empty = world.upstream(), world.place("empty")
    empty.mkdir()
    for separated in (f"{upstream.url},file://{tree}", f"file://{empty},file://{tree}|{upstream.url}"):
        gateway = world.gateway(separated)
        for kind in ("list", "info", "mod", "large zip"):
            expect_whole(gateway.get(target_of(module, kind)), module, kind)
        assert gateway.get(target_of(module, "latest")).status == 404


def test_a_directory_that_is_not_mounted_is_trouble(world: World) -> None:
    place, upstream = world.place("unmounted"), world.upstream({"example.com/m": ["v1.0.0"]})
    for separator, status in ((",", 502), ("|", 200)):
        gateway = world.gateway(f"file://{place}{separator}{upstream.url}")
        for kind in ("list", "info", "zip"):
            answer = gateway.get(target_of(Module("example.com/m", "v1.0.0"), kind))
            assert answer.status == status
            assert str(place).encode() not in answer.body

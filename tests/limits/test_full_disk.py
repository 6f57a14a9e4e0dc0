"""On a full disk what is new is unavailable, what is stored is served, nothing is left lying around, and all is well
again as soon as there is room."""

from __future__ import annotations

from functools import partial

import pytest

from tests.limits.conftest import Disk
from tests.world import Gateway, Module, Response, Upstream, World, eventually, get

OLD = Module("example.com/old", "v1.0.0", payload=100_000)
NEW = Module("example.com/new", "v1.0.0", payload=100_000)
LARGE = Module("example.com/large", "v1.0.0", payload=3_000_000)
KINDS = ("info", "mod", "zip")


@pytest.fixture
def upstream(world: World) -> Upstream:
    return world.upstream([OLD, NEW, LARGE])


@pytest.fixture
def gateway(world: World, upstream: Upstream, disk: Disk) -> Gateway:
    """It has everything of `OLD`, and lists are old after a second."""
    ages = {"public": {"fresh": "1s", "stale": "1s"}}
    started = world.gateway(upstream, data=disk.path / "data", freshness=ages)
    for target in targets(OLD):
        assert started.get(target).status == 200
    started.tidies_up()
    return started


def targets(module: Module) -> list[str]:
    return [*(f"{module.name}.{kind}" for kind in KINDS), f"{module.path}/@v/list"]


def assert_unavailable(answer: Response) -> None:
    assert answer.status in {503, 507}
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith("unavailable: ")
    assert "what is stored is still served" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "retry-after" in answer.headers


def test_new_things_are_unavailable_old_ones_are_served_and_it_heals(
    upstream: Upstream, gateway: Gateway, disk: Disk
) -> None:
    before = gateway.files()
    disk.fills_up()
    for _ in range(2):
        for kind in KINDS:
            assert_unavailable(gateway.get(f"{NEW.name}.{kind}"))
        for target in targets(OLD):
            for memory in ({}, {"x_request_id": "1"}):
                assert gateway.get(target, **memory).status == 200, target
    assert gateway.get(f"{OLD.name}.zip").body == OLD.zip_bytes
    eventually(lambda: gateway.files() == before, "nothing was left")
    assert_ready(gateway, False)
    assert get(f"{gateway.url}/health/live").status == 200

    disk.is_freed()
    for target in targets(NEW):
        assert gateway.get(target).status == 200, target
    assert gateway.get(f"{NEW.name}.zip").body == NEW.zip_bytes
    assert_ready(gateway, True)
    gateway.tidies_up()
    eventually(lambda: not list((gateway.data / "spool").glob("*.probe")), "its probes are gone too")


def has_status(url: str, status: int) -> bool:
    return get(f"{url}/health/ready").status == status


def assert_ready(gateway: Gateway, ready: bool) -> None:
    for url in (gateway.url, gateway.admin_url):
        status = 200 if ready else 503
        eventually(partial(has_status, url, status), "it notices")
        answer = get(f"{url}/health/ready")
        assert answer.json()["checks"]["store"]["ok"] is ready
        assert ("no space left" in answer.text) is not ready


def test_a_zip_for_which_there_is_not_enough_room_is_cut_and_leaves_nothing(
    upstream: Upstream, gateway: Gateway, disk: Disk
) -> None:
    before = gateway.files()
    disk.fills_up(but=1_000_000)
    for _ in range(3):
        answer = gateway.get(f"{LARGE.name}.zip")
        assert answer.cut or answer.status == 503
        assert len(answer.body) < 1_100_000
        eventually(lambda: gateway.files() == before, "nothing was left")
    assert gateway.get(f"{NEW.name}.zip").body == NEW.zip_bytes, "there is room for this one"
    disk.is_freed()
    assert gateway.get(f"{LARGE.name}.zip").body == LARGE.zip_bytes


def test_it_lives_at_every_degree_of_fullness(upstream: Upstream, gateway: Gateway, disk: Disk) -> None:
    modules = [Module(f"example.com/m{number}", "v1.0.0", payload=5_000) for number in range(40)]
    upstream.publishes(*modules)
    for number, module in enumerate(modules):
        disk.fills_up(but=(number % 10) * 4096)
        for target in targets(module):
            answer = gateway.get(target)
            assert answer.status in {200, 503}, (target, answer.text)
        assert gateway.get(f"{OLD.name}.zip").body == OLD.zip_bytes
        assert gateway.get(f"{OLD.path}/@v/list").text == "v1.0.0\n"
    disk.is_freed()
    for module in modules:
        assert gateway.get(f"{module.name}.zip").body == module.zip_bytes
        assert gateway.get(f"{module.path}/@v/list").text == "v1.0.0\n"
    gateway.tidies_up()


def test_a_disk_that_was_full_at_the_end_is_no_trouble_to_the_next_start(
    world: World, upstream: Upstream, gateway: Gateway, disk: Disk
) -> None:
    disk.fills_up()
    assert_unavailable(gateway.get(f"{NEW.name}.mod"))
    gateway.kill()
    disk.is_freed()
    after = world.gateway(upstream, data=gateway.data)
    for target in (*targets(OLD), *targets(NEW)):
        assert after.get(target).status == 200, target


def test_a_start_on_a_full_disk_serves_what_is_stored(
    world: World, upstream: Upstream, gateway: Gateway, disk: Disk
) -> None:
    gateway.kill()
    disk.fills_up()
    after = world.gateway(upstream, data=gateway.data)
    disk.fills_up()
    for target in targets(OLD):
        assert after.get(target).status == 200, target
    assert_unavailable(after.get(f"{NEW.name}.mod"))
    assert_ready(after, False)
    disk.is_freed()
    assert after.get(f"{NEW.name}.mod").status == 200

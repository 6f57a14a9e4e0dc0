"""The gateway under test is started, watched and ended as the world says."""

from __future__ import annotations

import signal

import pytest

from tests.world import Module, World, eventually, get

MODULE = Module("example.com/m", "v1.0.0")


def test_a_gateway_answers_writes_logs_counts_and_ends(world: World) -> None:
    upstream = world.upstream([MODULE])
    gateway = world.gateway(upstream)
    answer = gateway.get(f"{MODULE.name}.mod")
    assert (answer.status, answer.body) == (200, MODULE.mod_bytes)
    assert gateway.access_log(at_least=1)[0]["module_path"] == MODULE.path
    assert gateway.metric("modgate_requests_total", kind="mod") == 1
    assert gateway.metric("modgate_no_such_metric") == 0
    assert gateway.memory() > 0
    gateway.stop()
    assert not gateway.is_running


def test_settings_reach_it_as_flags(world: World) -> None:
    upstream = world.upstream([MODULE])
    gateway = world.gateway(
        upstream, admin="off", base_path="/go", limits={"mod": "64KiB"}, freshness={"public": {"fresh": 1}}
    )
    assert gateway.admin_url == ""
    assert get(f"{gateway.url}/{MODULE.name}.mod").body == MODULE.mod_bytes


def test_a_killed_gateway_leaves_its_data_to_the_next_one(world: World) -> None:
    upstream = world.upstream([MODULE])
    first = world.gateway(upstream)
    assert first.get(f"{MODULE.name}.zip").body == MODULE.zip_bytes
    first.kill()
    upstream.goes_down()
    second = world.gateway(upstream, data=first.data)
    assert second.get(f"{MODULE.name}.zip").body == MODULE.zip_bytes
    assert f"public/{MODULE.name}.zip" in second.files("modules")


def test_children_of_a_gateway_that_was_killed_alone_end_by_themselves(world: World) -> None:
    gateway = world.gateway(world.upstream([MODULE]))
    gateway.get(f"{MODULE.name}.zip")
    assert len(gateway.processes) == 2  # with the checker
    gateway.kill(alone=True)
    eventually(lambda: not gateway.orphans, "the checker ended")


def test_one_that_ends_by_itself_is_noticed(world: World) -> None:
    gateway = world.gateway(world.upstream())
    gateway.signals(signal.SIGKILL)
    gateway._process.wait(10)
    with pytest.raises(AssertionError, match="ended with -9"):
        gateway.stop()
    gateway.kill()


def test_one_that_cannot_start_says_why(world: World) -> None:
    with pytest.raises(AssertionError, match="ended with 2"):
        world.gateway("")

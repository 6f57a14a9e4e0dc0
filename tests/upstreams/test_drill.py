"""`modgate drill`: an upstream is kept from answering, clients go on asking, and a report tells what it was like."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any, cast

import pytest

from modgate.errors import Trouble, Unavailable
from modgate.gateway.drill_report import Ask, Seen, markdown, report
from modgate.source.rehearsal import How, Rehearsal
from tests.upstreams.commands import SECONDS, begun, run
from tests.world import Gateway, Module, Upstream, World, eventually

MODULES = [Module(f"example.com/m{number}", "v1.0.0") for number in range(3)]
SETTINGS: dict[str, Any] = {"breaker": {"failures": 2, "probe_every": "100ms"}, "deadlines": {"hedge": "300ms"}}


@pytest.fixture
def first(world: World) -> Upstream:
    return world.upstream(MODULES)


@pytest.fixture
def second(world: World) -> Upstream:
    return world.upstream(MODULES)


@pytest.fixture
def gateway(world: World, first: Upstream, second: Upstream) -> Gateway:
    gateway = world.gateway(f"{first.url}|{second.url}", **SETTINGS)
    for module in MODULES:
        assert gateway.get(f"{module.path}/@v/list").status == 200
        assert gateway.get(f"{module.name}.mod").status == 200
    gateway.tidies_up()
    return gateway


def is_up(gateway: Gateway, upstream: Upstream) -> bool:
    return gateway.metric("modgate_upstream_up", upstream=upstream.url) == 1


@pytest.mark.workers(1, 2)
@pytest.mark.parametrize("how", ["refuse", "hang"])
def test_the_switch_and_the_return_are_measured(
    gateway: Gateway, first: Upstream, second: Upstream, tmp_path: Path, how: str
) -> None:
    files = ["--report", str(tmp_path / "report.json"), "--markdown", str(tmp_path / "report.md")]
    done = run(gateway, "drill", "--upstream", first.url, "--for", "5s", "--how", how, *files)
    document = json.loads((tmp_path / "report.json").read_text())
    assert (document["verdict"], document["reasons"], done.returncode) == ("passed", [], 0), done.stdout
    assert document["upstream"] == first.url
    assert document["gateway"] == gateway.url
    assert 0 < document["switch_seconds"] < 5
    assert document["phases"]["during"]["asks"] == document["phases"]["during"]["good"] > 0
    assert document["phases"]["during"]["from_upstreams"] > 0
    assert document["return_seconds"] is not None
    assert second.asked > 0
    page = (tmp_path / "report.md").read_text()
    assert page.startswith("# Failover drill: passed\n")
    assert page == done.stdout
    assert {"drill_begun", "drill_over"} <= set(gateway.log_text().replace('"', " ").split())
    assert is_up(gateway, first)


def test_when_nobody_takes_over_it_has_failed(world: World, first: Upstream) -> None:
    gateway = world.gateway(first, **SETTINGS)
    assert gateway.get(f"{MODULES[0].path}/@v/list").status == 200
    done = run(gateway, "drill", "--upstream", first.url, "--for", "3s", "--modules", f"{MODULES[0].path}@v1.0.0")
    assert done.returncode == 1
    assert done.stdout.startswith("# Failover drill: failed\n")
    assert "no other upstream took over" in done.stdout
    eventually(lambda: is_up(gateway, first), "it is in use again")


@pytest.mark.workers(1, 2)
def test_when_its_client_dies_the_drill_is_over(gateway: Gateway, first: Upstream) -> None:
    with begun(gateway, "drill", "--upstream", first.url, "--for", "1h") as client:
        eventually(lambda: not is_up(gateway, first), "the drill began")
        client.send_signal(signal.SIGKILL)
        client.communicate(timeout=SECONDS)
    eventually(lambda: is_up(gateway, first), "it is in use again")
    assert "drill_over" in gateway.log_text()


def test_a_worker_that_starts_in_the_middle_of_it_knows_of_it(world: World, first: Upstream, second: Upstream) -> None:
    world.workers = 2
    gateway = world.gateway(f"{first.url}|{second.url}", **SETTINGS)
    assert gateway.get(f"{MODULES[0].name}.mod").status == 200
    gateway.tidies_up()
    with begun(gateway, "drill", "--upstream", first.url, "--for", "1h") as client:
        eventually(lambda: "drill_begun" in gateway.log_text(), "the drill began")
        for worker in gateway.processes[0].children():
            worker.kill()
        eventually(lambda: gateway.metric("modgate_worker_restarts_total") == 2, "their deaths were noticed")
        eventually(lambda: gateway.metric("modgate_workers") == 2, "there are two again")
        first.forgets()
        for number in range(10):
            gateway.get(f"example.com/new{number}/@v/list")
        assert first.asked_for("example.com/new*") == 0
        client.send_signal(signal.SIGINT)
        client.communicate(timeout=SECONDS)
    eventually(lambda: gateway.get(f"{MODULES[2].name}.zip").status == 200 and first.asked > 0, "it is asked again")


def test_what_cannot_be_rehearsed_is_told_in_a_line(gateway: Gateway, first: Upstream) -> None:
    for arguments, told in [
        (["--upstream", "https://other.example"], "is no upstream of this gateway; name one of these: http://127"),
        (["--for", "2h"], "--for: is no time for a drill"),
        (["--for", "soon"], "--for: 'soon' is no time"),
        (["--how", "gently"], "--how: 'gently' is no way to fail"),
        (["--modules", "nonsense"], "--modules: nonsense names no module"),
        (["--report", "/nowhere/report.json"], "--report: cannot write /nowhere/report.json"),
    ]:
        upstream = [] if "--upstream" in arguments else ["--upstream", first.url]
        done = run(gateway, "drill", *upstream, *arguments)
        assert done.returncode == 2
        assert told in done.stderr.splitlines()[-1]
    assert is_up(gateway, first)


def test_one_drill_at_a_time(gateway: Gateway, first: Upstream, second: Upstream) -> None:
    with begun(gateway, "drill", "--upstream", first.url, "--for", "1h") as client:
        eventually(lambda: "drill_begun" in gateway.log_text(), "the drill began")
        assert "is under way" in run(gateway, "drill", "--upstream", second.url, "--for", "1s").stderr
        client.send_signal(signal.SIGINT)
        client.communicate(timeout=SECONDS)


# What each serving process does by itself.


async def test_it_is_over_when_its_time_is_up_whatever_has_become_of_whoever_ordered_it() -> None:
    rehearsal = Rehearsal("a")
    rehearsal.begin(0.05, "hang")
    await rehearsal.hindered(silence=3600.0)
    assert not rehearsal.is_on


async def test_meanwhile_requests_fail_as_they_would_in_an_outage() -> None:
    rehearsal = Rehearsal("a")
    for how, trouble in (("refuse", Trouble.CONNECTION), ("hang", Trouble.TIMEOUT)):
        rehearsal.begin(3600.0, cast(How, how))
        with pytest.raises(Unavailable) as caught:
            await rehearsal.hindered(silence=0.01)
        assert (caught.value.trouble, caught.value.blames_upstream) == (trouble, True)


async def test_its_end_lets_through_what_hangs() -> None:
    rehearsal = Rehearsal("a")
    rehearsal.begin(3600.0, "hang")
    async with asyncio.TaskGroup() as group:
        hanging = group.create_task(rehearsal.hindered(silence=3600.0))
        await asyncio.sleep(0)
        assert not hanging.done()
        rehearsal.end()
    assert hanging.done()


# The verdict.


def seen(*asks: Ask, returned: float | None = 0.5) -> Seen:
    return Seen("http://g", "http://a", "refuse", "2026-01-01T00:00:00+00:00", 10.0, ("m",), asks, 0.3, returned)


BEFORE, DURING, AFTER = (Ask(at, 0.1, 200, "refreshed") for at in (-1.0, 1.0, 11.0))


def test_all_answered_and_back_is_passed() -> None:
    document = report(seen(BEFORE, DURING, AFTER))
    assert (document["verdict"], document["switch_seconds"]) == ("passed", 1.1)
    assert "| during | 1 | 1 | 1 | 0 | 0.1 s | 0.1 s |" in markdown(document)


@pytest.mark.parametrize(
    ("asks", "returned", "why"),
    [
        ([BEFORE, Ask(1.0, 0.1, 502, ""), DURING, AFTER], 0.5, "1 of 2 asks during the drill were not answered (502)"),
        (
            [BEFORE, Ask(1.0, 0.1, 0, ""), DURING, AFTER],
            0.5,
            "1 of 2 asks during the drill were not answered (no answer)",
        ),
        ([BEFORE, AFTER], 0.5, "nothing was asked during the drill"),
        (
            [BEFORE, Ask(1.0, 0.1, 200, "stale"), AFTER],
            0.5,
            "nothing new came from anywhere: no other upstream took over",
        ),
        ([BEFORE, DURING, AFTER], None, "the upstream was not seen to be in use again"),
    ],
)
def test_what_makes_it_fail(asks: list[Ask], returned: float | None, why: str) -> None:
    document = report(seen(*asks, returned=returned))
    assert (document["verdict"], document["reasons"]) == ("failed", [why])
    assert f"- {why}\n" in markdown(document)

"""`modgate upstreams` shows what the gateway that runs knows of its upstreams, as the admin port does."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from modgate.gateway.states import States
from modgate.gateway.upstreams_told import merged
from modgate.observe.events import ENDS, Events
from modgate.observe.metrics import Metrics
from modgate.source.recent import KEPT, Recent, summary
from tests.upstreams.commands import run
from tests.world import Gateway, Module, Upstream, World, eventually, get

MODULES = [Module(f"example.com/m{number}", "v1.0.0") for number in range(6)]
QUICK = {"failures": 1, "probe_every": "100ms"}


@pytest.fixture
def first(world: World) -> Upstream:
    return world.upstream(MODULES)


@pytest.fixture
def second(world: World) -> Upstream:
    return world.upstream(MODULES)


@pytest.fixture
def gateway(world: World, first: Upstream, second: Upstream) -> Gateway:
    secret = first.url.replace("://", "://user:secret@")
    return world.gateway(f"{secret}|{second.url}", breaker=QUICK, deadlines={"hedge": "30s"})


def states(gateway: Gateway) -> dict[str, dict[str, Any]]:
    told = json.loads(run(gateway, "upstreams", "--json").stdout)
    return {one["name"]: one for one in told}


@pytest.mark.workers(1, 2)
def test_of_each_upstream_the_whole_gateway_tells_one_story(
    gateway: Gateway, first: Upstream, second: Upstream
) -> None:
    for module in MODULES:
        assert gateway.get(f"{module.name}.mod").status == 200
    told = states(gateway)
    assert (told[first.url]["state"], told[first.url]["asks"], told[first.url]["share"]) == ("up", 6, 1.0)
    assert 0 < told[first.url]["p50"] <= told[first.url]["p95"]
    assert (told[second.url]["state"], told[second.url]["asks"], told[second.url]["p50"]) == ("up", 0, None)
    first.goes_down()

    def is_seen() -> bool:
        gateway.get("example.com/other/@v/list")
        return is_down(gateway, first)

    eventually(is_seen, "it is seen to be down")
    told = states(gateway)
    assert told[first.url]["modules"]["up"] is False
    assert told[first.url]["modules"]["reason"]
    assert told[first.url]["changed"] > 0
    assert told[first.url]["share"] < 1
    assert get(f"{gateway.admin_url}/api/upstreams").json() == [told[first.url], told[second.url]]


def is_down(gateway: Gateway, upstream: Upstream) -> bool:
    return gateway.metric("modgate_upstream_up", upstream=upstream.url) == 0


def test_people_get_a_table_without_credentials(gateway: Gateway, first: Upstream, second: Upstream) -> None:
    gateway.get(f"{MODULES[0].name}.mod")
    first.goes_down()
    gateway.get(f"{MODULES[1].name}.mod")
    shown = run(gateway, "upstreams").stdout
    assert "secret" not in shown
    head, down, up, why = shown.splitlines()
    assert head.split()[:2] == ["UPSTREAM", "STATE"]
    assert down.split()[:2] == [first.url, "down"]
    assert "open" in down
    assert up.split()[:2] == [second.url, "up"]
    assert why.startswith(f"{first.url}: modules: ")


def test_scripts_get_the_first_that_is_well_or_none(gateway: Gateway, first: Upstream, second: Upstream) -> None:
    def healthy() -> tuple[str, int]:
        done = run(gateway, "upstreams", "--first-healthy")
        return done.stdout.strip(), done.returncode

    assert healthy() == (first.url, 0)
    first.goes_down()
    gateway.get(f"{MODULES[0].name}.mod")
    assert healthy() == (second.url, 0)
    second.goes_down()
    gateway.get(f"{MODULES[1].name}.mod")
    assert healthy() == ("none", 1)


def test_a_gateway_of_directories_says_that_there_is_nothing_to_tell(world: World) -> None:
    directory = world.place("modules")
    directory.mkdir()
    done = run(world.gateway(f"file://{directory}"), "upstreams")
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)


def test_nothing_is_below_the_page_of_the_admin_port(gateway: Gateway) -> None:
    assert get(f"{gateway.admin_url}/api/upstreams/x").status == 404


# What several processes know, together.


def known(
    name: str = "a", *, up: bool = True, changed: float = 0.0, asks: tuple[list[float], ...] = ()
) -> dict[str, Any]:
    service = {"up": up, "reason": "" if up else "hung up", "changed": changed}
    well = {"up": True, "reason": "", "changed": 0.0}
    return {"name": name, "drill": False, "modules": service, "checksums": well, "health": None, "asks": list(asks)}


def test_an_upstream_is_as_well_as_where_it_is_worst() -> None:
    (both,) = merged([[known()], [known(up=False, changed=5.0)]])
    assert (both["state"], both["modules"]) == ("down", {"up": False, "reason": "hung up", "changed": 5.0})
    assert both["changed"] == 5.0


def test_asks_of_all_processes_are_counted_together() -> None:
    (both,) = merged([[known(asks=([10.0, 1], [30.0, 1]))], [known(asks=([20.0, 1], [1000.0, 0]))]])
    assert (both["asks"], both["p50"], both["p95"], both["share"]) == (4, 0.03, 1.0, 0.75)


def test_a_process_that_says_nothing_yet_hides_nobody() -> None:
    assert [one["name"] for one in merged([[], [known("a"), known("b")]])] == ["a", "b"]


# What several processes see, told once.


def lines(*said: tuple[int, str, str]) -> list[tuple[str, str]]:
    """What is logged of what workers said of upstreams; `(worker, "", "")` is its end."""
    told = list[tuple[str, str]]()
    states = States(Events(Metrics(), lambda event, **fields: told.append((event, fields["source"]))))
    for worker, event, source in said:
        if event:
            states.seen(worker, event, {"source": source, "service": "modules"})
        else:
            states.ended(worker)
    return told


@pytest.mark.parametrize(("begins", "ends"), [(begins, ends) for ends, begins in ENDS.items()])
def test_the_first_that_sees_trouble_and_the_last_that_sees_its_end_are_heard(begins: str, ends: str) -> None:
    said = [(0, begins, "a"), (1, begins, "a"), (0, ends, "a"), (2, begins, "a"), (1, ends, "a"), (2, ends, "a")]
    assert lines(*said) == [(begins, "a"), (ends, "a")]
    assert lines(*said, *said) == 2 * [(begins, "a"), (ends, "a")]


def test_each_upstream_and_each_kind_of_trouble_is_told_by_itself() -> None:
    said = [(0, "upstream_down", "a"), (0, "upstream_down", "b"), (1, "upstream_unhealthy", "a")]
    assert lines(*said, (0, "upstream_up", "b")) == [
        ("upstream_down", "a"),
        ("upstream_down", "b"),
        ("upstream_unhealthy", "a"),
        ("upstream_up", "b"),
    ]


def test_what_a_dead_worker_alone_has_seen_is_over() -> None:
    both = [(0, "upstream_down", "a"), (1, "upstream_down", "a"), (0, "upstream_down", "b")]
    assert lines(*both, (0, "", "")) == [("upstream_down", "a"), ("upstream_down", "b"), ("upstream_up", "b")]
    assert lines(*both, (0, "", ""), (1, "", ""))[2:] == [("upstream_up", "b"), ("upstream_up", "a")]
    assert lines((0, "upstream_up", "a"), (0, "", "")) == []


def test_an_end_that_nobody_saw_begin_is_no_change() -> None:
    assert lines((0, "upstream_up", "a"), (0, "upstream_up", "a")) == []


def logged(gateway: Gateway) -> list[str]:
    """The changes of state in the log, with all that workers have said so far: what they count comes behind it."""
    gateway.metric("modgate_workers")
    lines = [json.loads(line) for line in gateway.log_text().splitlines() if line.startswith("{")]
    return [line["event"] for line in lines if line.get("event", "").startswith("upstream_")]


def seen_by_all(gateway: Gateway, workers: int) -> None:
    """Ask until every worker has been asked for something new: each answer tells whose it is."""
    heard, numbers = set[str](), itertools.count()

    def all_were_asked() -> bool:
        answer = gateway.get(f"example.com/other{next(numbers)}/@v/list")
        heard.add(answer.headers["x-request-id"].partition("-")[0])
        return len(heard) >= workers

    eventually(all_were_asked, "every worker was asked")


@pytest.mark.workers(1, 2)
def test_a_change_of_state_is_one_line_of_the_log_and_one_event(
    workers: int, gateway: Gateway, first: Upstream
) -> None:
    first.goes_down()
    seen_by_all(gateway, workers)
    assert logged(gateway) == ["upstream_down"]
    first.comes_back()
    eventually(lambda: not is_down(gateway, first), "it is in use again everywhere")
    assert logged(gateway) == ["upstream_down", "upstream_up"]
    assert gateway.metric("modgate_events_total", event="upstream_down") == 1
    assert gateway.metric("modgate_events_total", event="upstream_up") == 1


def test_the_death_of_all_who_saw_it_is_told_as_a_change_too(world: World, first: Upstream) -> None:
    world.workers = 2
    gateway = world.gateway(first, breaker=QUICK)
    first.goes_down()
    seen_by_all(gateway, 2)
    for worker in gateway.processes[0].children():
        worker.kill()
    eventually(lambda: gateway.metric("modgate_worker_restarts_total") == 2, "their deaths were noticed")
    assert logged(gateway) == ["upstream_down", "upstream_up"]
    eventually(lambda: gateway.metric("modgate_workers") == 2, "there are two again")
    gateway.get("example.com/new/@v/list")
    assert logged(gateway) == ["upstream_down", "upstream_up", "upstream_down"]


def test_only_the_last_asks_count() -> None:
    recent = Recent()
    for _ in range(KEPT):
        recent.add(9.0, answered=False)
    for _ in range(KEPT):
        recent.add(0.001, answered=True)
    assert summary(recent.told()).share == 1.0
    assert summary([]).share is None

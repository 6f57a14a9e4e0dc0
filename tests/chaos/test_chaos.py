"""Upstreams turn good and bad at random while hundreds of clients ask: nobody gets a wrong answer, and all recovers.

What is right while an upstream lies: zips and go.mod files are held against the checksum database, so a lie is trouble
(502), never a body. Nothing vouches for lists and infos; they are only held against what such an answer looks like. An
upstream that says 404 is believed, as the go command believes it, and the next one is asked: that nobody has a module
takes the word of all of them. So here at least one of them, at the end of the chain, never denies what it has.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.clients import CORRUPT, Crowd, Truth, asks_each, complaint, some, truth
from tests.chaos.weather import STATES, Weather, denying
from tests.upstreams.test_last_resort import lay_out
from tests.world import Gateway, Response, Upstream, World, eventually

SHORT = 8.0
"""Seconds of bad weather in every run; a good deal of them passes before the clients have all begun."""
LONG = 90.0
CLIENTS = 200
MODULES = 30
VERDICT = 60.0
"""Seconds for which corruption is told without a new download."""
RECOVERY = 30.0
"""Seconds, where two would do: breakers look every 100 ms, and what was remembered of absence is not asked for."""
SETTINGS: dict[str, Any] = {
    "deadlines": {"first_byte": "1s", "hedge": "200ms", "idle": "2s", "small_total": "5s", "total": "20s"},
    "breaker": {"failures": 2, "probe_every": "100ms", "probe_timeout": "1s"},
    "freshness": {"public": {"fresh": "500ms", "stale": "1s", "absent_path": "1s", "absent_version": "1s"}},
    "fetch_ahead": "public",
}


def chaos(world: World, *, seed: int, seconds: float, mirror: Path | None, clients: int = CLIENTS) -> None:
    """Bad weather for so long; with or without a directory at the end of the chain."""
    database, about = world.database(), truth(MODULES)
    first, second, third = upstreams = [world.upstream(about.modules, database=database) for _ in range(3)]
    behind = f"|file://{lay_out(mirror, *about.modules)}" if mirror else ""
    chain = f"{first.url}|{second.url},{third.url}{behind}"
    gateway = world.gateway(chain, checksum=database.key, **SETTINGS)
    cached = some(about.names, seed, 0.3)
    assert asks_each(gateway, sorted(cached), lambda name, answer: not complaint(about, name, answer)) == []
    honest = tuple(state for state in STATES if state is not denying)
    weather = Weather(upstreams, seed, [STATES, STATES, STATES if mirror else honest])
    with Crowd(gateway, about, cached, seed, clients) as crowd:
        weather.rages(seconds)
        weather.clears()
    told = f"seed {seed}, {len(crowd.statuses)} answers, weather: {', '.join(weather.seen)}"
    assert crowd.wrong == [], told
    assert len(crowd.statuses) >= clients, told
    recovers(gateway, about, told, verdicts=seconds > VERDICT)
    every_return_is_seen(gateway, upstreams, told)
    tells_each_change_once(gateway)
    keeps_the_truth(gateway, about)


def recovers(gateway: Gateway, about: Truth, told: str, *, verdicts: bool) -> None:
    """All is right again, but for what is known to have been corrupt within this minute; with `verdicts` that too."""

    def is_right(name: str, answer: Response) -> bool:
        return not answer.cut and answer.status in {200, 404} and not complaint(about, name, answer)

    def is_right_or_judged(name: str, answer: Response) -> bool:
        return is_right(name, answer) or (answer.status == 502 and answer.text.startswith(CORRUPT))

    left = [*about.names, *about.absent]

    def recovered() -> bool:
        left[:] = [said.partition(": ")[0] for said in asks_each(gateway, left, is_right_or_judged)]
        return not left

    eventually(recovered, f"all recover; {told}", within=RECOVERY)
    if verdicts:
        left[:] = about.names
        eventually(
            lambda: not asks_each(gateway, left, is_right),
            f"corruption is forgotten; {told}",
            within=VERDICT + RECOVERY,
        )


def every_return_is_seen(gateway: Gateway, upstreams: Sequence[Upstream], told: str) -> None:
    """All of them are in use again, for modules and for checksums, in every process."""
    names = ("modgate_upstream_up", "modgate_upstream_checksums_up")

    def are_up() -> bool:
        return all(gateway.metric(name, upstream=upstream.url) == 1 for name, upstream in product(names, upstreams))

    eventually(are_up, f"every upstream is in use again; {told}", within=RECOVERY)


def tells_each_change_once(gateway: Gateway) -> None:
    """In the log an upstream goes down and up in turn, however many processes have seen it."""
    lines = [json.loads(line) for line in gateway.log_text().splitlines() if line.startswith("{")]
    changes = [line for line in lines if line.get("event") in ("upstream_down", "upstream_up")]
    for one in {(line["source"], line["service"]) for line in changes}:
        seen = [line["event"] for line in changes if (line["source"], line["service"]) == one]
        assert all(here != there for here, there in pairwise(seen)), (one, seen)


def keeps_the_truth(gateway: Gateway, about: Truth) -> None:
    """Whatever it has stored is right. (Lists in the tree say what is stored, for those who serve the tree.)"""
    gateway.tidies_up()
    for name in gateway.files("modules/public"):
        if not name.endswith("/list"):
            assert (gateway.data / "modules/public" / name).read_bytes() == about.bodies[name], name


@pytest.mark.workers(1, 2)
@pytest.mark.parametrize("seed", [1])
def test_no_weather_makes_a_wrong_answer(world: World, tmp_path: Path, seed: int) -> None:
    chaos(world, seed=seed, seconds=SHORT, mirror=tmp_path / "mirror")


def test_nor_where_the_last_of_the_chain_is_an_upstream_too(world: World) -> None:
    chaos(world, seed=3, seconds=SHORT, mirror=None)


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.workers(1, 2)
@pytest.mark.parametrize("seed", [11])
@pytest.mark.parametrize("last", ["directory", "upstream"])
def test_nor_does_a_long_one(world: World, tmp_path: Path, seed: int, last: str) -> None:
    chaos(world, seed=seed, seconds=LONG, mirror=tmp_path / "mirror" if last == "directory" else None)

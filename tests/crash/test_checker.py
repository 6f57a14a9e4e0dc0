"""The process that checks zips may die at any time; nobody gets an unchecked zip for it, and nobody less than all."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from modgate.cache.checking import Checker
from modgate.gomod.modzip import ZipLimits
from modgate.gomod.paths import check_path
from modgate.observe.metrics import Metrics
from modgate.source.base import Ask, Kind
from tests.coalescing.crowd import meanwhile
from tests.world import Gateway, Module, Upstream, World, at_once, eventually

MODULE = Module("example.com/large", "v1.0.0", payload=3_000_000)
ZIP = f"{MODULE.name}.zip"


def checker(gateway: Gateway) -> psutil.Process:
    """The running one."""
    return eventually(lambda: gateway.processes[1:], "a checking process runs")[0]


def is_dead(process: psutil.Process) -> bool:
    """Ended, whether its parent has heard of that yet or not."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()
    eventually(lambda: is_dead(process), "it is dead")


@pytest.fixture
def upstream(world: World) -> Upstream:
    return world.upstream([MODULE, Module("example.com/other", "v1.0.0")])


def test_one_that_dies_between_two_zips_is_replaced(world: World, upstream: Upstream) -> None:
    gateway = world.gateway(upstream)
    assert gateway.get("example.com/other/@v/v1.0.0.zip").status == 200
    kill(checker(gateway))
    assert gateway.get(ZIP).body == MODULE.zip_bytes


def test_one_that_dies_in_the_middle_of_a_check_is_nobodys_business(world: World, upstream: Upstream) -> None:
    rest = upstream.pauses(after=2_000_000)
    gateway = world.gateway(upstream)

    def die() -> None:
        eventually(lambda: gateway.metric("modgate_spool_bytes"), "the download began")
        kill(checker(gateway))
        rest.open()

    answers = meanwhile(lambda: at_once(5, lambda _: gateway.get(ZIP)), die)
    assert {(answer.status, answer.body) for answer in answers} == {(200, MODULE.zip_bytes)}
    assert upstream.asked_for("zip") == 1


def test_a_bad_zip_is_found_out_by_its_successor_too(world: World, upstream: Upstream) -> None:
    broken = bytearray(MODULE.zip_bytes)
    broken[1_000_000] ^= 1
    rest = upstream.pauses(after=2_000_000, body=bytes(broken))
    gateway = world.gateway(upstream)

    def die() -> None:
        eventually(lambda: gateway.metric("modgate_spool_bytes"), "the download began")
        kill(checker(gateway))
        rest.open()

    (answer,) = meanwhile(lambda: [gateway.get(ZIP)], die)
    assert answer.cut
    assert gateway.files("modules") == []
    assert gateway.get(ZIP).status == 502


def test_where_it_dies_again_and_again_nobody_gets_an_unchecked_zip(world: World, upstream: Upstream) -> None:
    rest = upstream.pauses(after=2_000_000, times=1)
    gateway = world.gateway(upstream)

    def die() -> None:
        eventually(lambda: gateway.metric("modgate_spool_bytes"), "the download began")
        while not gateway.metric("modgate_checks_total", verdict="failed"):
            for child in gateway.processes[1:]:
                kill(child)
        rest.open()

    (answer,) = meanwhile(lambda: [gateway.get(ZIP)], die)
    assert answer.cut
    assert gateway.files("modules") == []
    gateway.tidies_up()
    assert gateway.get(ZIP).body == MODULE.zip_bytes, "the next one is checked by a new process"


async def test_one_that_says_nothing_any_more_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "module.zip"
    path.write_bytes(MODULE.zip_bytes)
    checker = Checker(ZipLimits(), Metrics(), patience=0.5)
    job = await checker.begin(Ask(Kind.ZIP, check_path(MODULE.path), MODULE.version), str(path))
    (stopped,) = psutil.Process().children()
    stopped.suspend()
    assert (await job.finish(len(MODULE.zip_bytes))).h1 == MODULE.h1
    (successor,) = psutil.Process().children()
    successor.suspend()
    await checker.close()
    assert not successor.is_running()

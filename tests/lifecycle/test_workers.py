"""Several serving processes look like one gateway; one that dies is replaced, and nobody loses anything by it."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psutil
import pytest

from tests.world import Gateway, Module, Response, Upstream, World, eventually, get

MODULE = Module("example.com/m", "v1.0.0", payload=3_000_000)
ZIP, MOD = f"{MODULE.name}.zip", f"{MODULE.name}.mod"


@pytest.fixture
def workers() -> int:
    return 2


@pytest.fixture
def upstream(world: World) -> Upstream:
    return world.upstream([MODULE])


def serving(gateway: Gateway) -> list[psutil.Process]:
    """The workers, without their checking children."""
    return psutil.Process(gateway.pid).children()


def has_restarted(gateway: Gateway, times: int) -> bool:
    return gateway.metric("modgate_worker_restarts_total") >= times


def asked_often(gateway: Gateway, path: str, times: int = 40) -> list[Response]:
    """Each time over a connection of its own: some reach each worker."""
    return [gateway.get(path) for _ in range(times)]


def test_all_workers_answer_and_their_numbers_are_one(world: World, upstream: Upstream) -> None:
    gateway = world.gateway(upstream)
    answers = asked_often(gateway, MOD)
    assert {(answer.status, answer.body) for answer in answers} == {(200, MODULE.mod_bytes)}
    assert upstream.asked_for("mod") == 1
    assert len({answer.headers["x-request-id"].partition("-")[0] for answer in answers}) == 2, "both were asked"
    assert gateway.metric("modgate_requests_total", kind="mod") == 40
    assert gateway.metric("modgate_workers") == 2
    assert len(gateway.access_log(at_least=40)) == 40
    assert get(f"{gateway.admin_url}/health/ready").json()["checks"]["workers"]["ok"] is True


def test_one_that_is_killed_is_replaced_and_what_it_counted_is_not_lost(world: World, upstream: Upstream) -> None:
    gateway = world.gateway(upstream)
    asked_often(gateway, MOD)
    assert gateway.metric("modgate_requests_total", kind="mod") == 40
    victim = serving(gateway)[0]
    victim.kill()
    eventually(lambda: gateway.metric("modgate_worker_restarts_total") == 1, "its death was noticed")
    # Whoever connects in the meantime waits at its port for the next one.
    assert {answer.status for answer in asked_often(gateway, MOD)} == {200}
    eventually(lambda: gateway.metric("modgate_workers") == 2, "there are two again")
    assert gateway.metric("modgate_requests_total", kind="mod") == 80
    assert "worker_died" in gateway.log_text()


def test_a_download_whose_worker_is_killed_goes_on_in_another_one(world: World, upstream: Upstream) -> None:
    rest = upstream.pauses(after=2_000_000, times=1)
    gateway = world.gateway(upstream)
    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(gateway.get, ZIP) for _ in range(20)]
        eventually(lambda: gateway.metric("modgate_spool_bytes") > 0, "the download began")
        leader = next(worker for worker in serving(gateway) if worker.children())
        leader.kill()
        rest.open()
        got = [answer.result() for answer in answers if answer.exception() is None]
    whole = [answer for answer in got if not answer.cut]
    assert {(answer.status, answer.body) for answer in whole} <= {(200, MODULE.zip_bytes)}
    assert gateway.get(ZIP).body == MODULE.zip_bytes
    gateway.tidies_up()


def test_when_the_parent_is_killed_the_workers_end_too(world: World, upstream: Upstream) -> None:
    gateway = world.gateway(upstream)
    assert gateway.get(MOD).status == 200
    workers = serving(gateway)
    gateway.kill(alone=True)
    eventually(lambda: not any(worker.is_running() for worker in workers), "the workers ended")


def test_a_worker_that_says_nothing_does_not_hold_up_the_others_numbers(world: World, upstream: Upstream) -> None:
    gateway = world.gateway(upstream)
    stopped = serving(gateway)[0]
    stopped.suspend()
    try:
        answer = get(f"{gateway.admin_url}/health/ready")
        assert answer.status == 503
        assert "no answer from" in answer.json()["checks"]["workers"]["reason"]
    finally:
        stopped.resume()
    eventually(lambda: get(f"{gateway.admin_url}/health/ready").status == 200, "it is well again")


def test_a_worker_that_dies_at_each_start_is_not_started_without_end(world: World, upstream: Upstream) -> None:
    gateway = world.gateway(upstream)
    for deaths in (1, 2, 3):
        eventually(lambda: len(serving(gateway)) == 2, "two run")
        serving(gateway)[0].kill()
        eventually(partial(has_restarted, gateway, deaths), "it was noticed")
    assert {answer.status for answer in asked_often(gateway, MOD)} == {200}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_team_ends_at_once_and_well(world: World, upstream: Upstream, number: signal.Signals) -> None:
    gateway = world.gateway(upstream)
    workers = serving(gateway)
    began = time.monotonic()
    gateway.signals(number)
    assert gateway.ended() == 0
    assert time.monotonic() - began < 5.0
    assert not any(worker.is_running() for worker in workers)


def test_what_keeps_a_worker_from_starting_is_told_in_one_line(world: World, upstream: Upstream) -> None:
    data = world.place("data")
    data.mkdir()
    (data / "records.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(AssertionError, match="ended with 2") as told:
        world.gateway(upstream, data=data)
    assert "modgate: data: " in str(told.value)
    assert "Traceback" not in str(told.value)


def test_auto_is_one_for_each_core(world: World, upstream: Upstream) -> None:
    gateway = world.gateway(upstream, workers="auto")
    cores = min(8, len(psutil.Process().cpu_affinity()))
    assert len(serving(gateway)) == (cores if cores > 1 else 0)

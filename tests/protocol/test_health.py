"""Probes learn whether the gateway lives and whether it is ready, in the spellings that they know."""

from __future__ import annotations

import json

import pytest

from tests.protocol.asking import expect_error
from tests.world import Gateway, Module, Upstream, World, eventually, faults, get

LIVE = ["health/live", "healthz"]
READY = ["health/ready", "readyz"]


@pytest.fixture(params=["data", "admin"])
def base(request: pytest.FixtureRequest, gateway: Gateway) -> str:
    """Both ports answer probes."""
    return gateway.url if request.param == "data" else gateway.admin_url


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("target", [*LIVE, *READY, "version", ""])
def test_a_ready_gateway_is_200(base: str, method: str, target: str) -> None:
    answer = get(f"{base}/{target}", method=method)
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert (answer.body == b"") is (method == "HEAD")


def test_readiness_gives_each_check(base: str) -> None:
    for target in READY:
        told = get(f"{base}/{target}").json()
        assert told["status"] == "ready"
        assert {name: check["ok"] for name, check in told["checks"].items()} == dict.fromkeys(told["checks"], True)
        assert {"store", "upstreams"} <= told["checks"].keys()


def test_the_version_is_told(base: str) -> None:
    told = get(f"{base}/version").json()
    assert told["version"][0].isdigit()


def test_the_root_says_that_it_is_a_mirror_that_is_well(base: str) -> None:
    for method in ("GET", "HEAD"):
        answer = get(f"{base}/", method=method)
        assert answer.headers["x-mirror-status"] == "ok"
        assert "x-go-proxy-status" not in answer.headers


def test_the_admin_port_has_metrics_and_no_modules(gateway: Gateway, upstream: Upstream) -> None:
    module = Module("example.com/not-there", "v1.0.0")
    upstream.publishes(module)
    assert gateway.get(f"{module.name}.info").status == 200
    scraped = get(f"{gateway.admin_url}/metrics")
    assert scraped.headers["content-type"].startswith("text/plain")
    assert "modgate_requests_total" in scraped.text
    for target in (f"{module.name}.mod", "sumdb/sum.example.com/supported", "x", "metrics/", "metricsx", "../metrics"):
        answer = get(f"{gateway.admin_url}/{target}")
        assert 400 <= answer.status < 500
        expect_error(answer, answer.status)
    expect_error(gateway.get("metrics"), 404)


def test_an_upstream_that_is_down_makes_it_unready_and_its_return_ready(world: World) -> None:
    module = Module("example.com/m", "v1.0.0")
    upstream = world.upstream([module])
    gateway = world.gateway(upstream, breaker={"failures": 1, "probe_every": "100ms"})
    assert gateway.get(f"{module.name}.mod").status == 200
    upstream.goes_down()
    assert gateway.get(f"{module.name}.info").status == 502

    for target in READY:
        answer = gateway.get(target)
        assert answer.status == 503
        told = answer.json()
        assert told["status"] != "ready"
        assert told["checks"]["store"]["ok"] is True
        assert told["checks"]["upstreams"]["ok"] is False
        assert upstream.url in told["checks"]["upstreams"]["reason"]
    for method in ("GET", "HEAD"):
        root = gateway.get("", method=method)
        assert root.status == 503
        assert root.headers["x-go-proxy-status"] == "unavailable"
        assert "x-mirror-status" not in root.headers
    expect_error(gateway.get(""), 503, "unavailable: ")
    for target in (*LIVE, "version", f"{module.name}.mod"):
        assert gateway.get(target).status == 200
    assert gateway.metric("modgate_upstream_up", upstream=upstream.url) == 0

    upstream.comes_back()
    eventually(lambda: gateway.get("readyz").status == 200, "the return is seen")
    assert gateway.metric("modgate_upstream_up", upstream=upstream.url) == 1


def test_one_upstream_of_two_is_enough(world: World) -> None:
    first, second = world.upstream(), world.upstream({"example.com/m": ["v1.0.0"]})
    gateway = world.gateway(f"{first.url}|{second.url}", breaker={"failures": 1})
    first.misbehaves(faults.status(503))
    assert gateway.get("example.com/m/@v/list").status == 200
    assert gateway.metric("modgate_upstream_up", upstream=first.url) == 0
    assert gateway.get("readyz").status == 200


def test_absence_and_refusals_are_no_sign_of_trouble(world: World) -> None:
    upstream = world.upstream()
    gateway = world.gateway(upstream, breaker={"failures": 1})
    for status in (403, 404, 410, 401, 429, 500):
        upstream.misbehaves(faults.status(status))
        gateway.get(f"example.com/m{status}/@v/list")
    assert gateway.get("readyz").status == 200


def test_a_store_that_cannot_be_written_is_a_reason(world: World) -> None:
    module = Module("example.com/m", "v1.0.0")
    upstream = world.upstream([module])
    gateway = world.gateway(upstream)
    assert gateway.get(f"{module.name}.mod").status == 200
    eventually(lambda: gateway.files("modules"), "it is stored")
    spool = gateway.data / "spool"
    moved = spool.rename(gateway.data / "moved")
    spool.touch()  # a folder that is only missing is made again
    eventually(lambda: gateway.get("readyz").status == 503, "it is noticed")
    told = gateway.get("readyz")
    assert told.json()["checks"]["store"]["ok"] is False
    assert str(gateway.data) not in told.text
    assert gateway.get(f"{module.name}.mod").body == module.mod_bytes
    expect_error(gateway.get(f"{module.name}.info"), 503, "unavailable: ")
    spool.unlink()
    moved.rename(spool)
    eventually(lambda: gateway.get("readyz").status == 200, "it is noticed")
    assert gateway.get(f"{module.name}.info").status == 200


def test_texts_of_readiness_hold_no_secret(world: World) -> None:
    upstream = world.upstream()
    gateway = world.gateway(upstream.url.replace("://", "://user:s3cret@"), breaker={"failures": 1})
    upstream.goes_down()
    gateway.get("example.com/m/@v/list")
    for target in ("readyz", ""):
        answer = gateway.get(target)
        assert answer.status == 503
        assert "s3cret" not in answer.text
    assert json.loads(gateway.get("readyz").text)

"""A page that an upstream is asked for again and again says whether it is used, with `rise` and `fall`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from modgate.errors import Trouble, Unavailable
from modgate.observe.events import Events
from modgate.observe.metrics import Metrics
from modgate.source.health import Checkup, Condition, HealthCheck, fault
from tests.outage.trouble import expect_trouble
from tests.world import Gateway, Module, Upstream, World, eventually, faults, get
from tests.world.delivery import Delivery, Request

CHECK = {"path": "/healthz", "every": "100ms", "timeout": "1s", "rise": 2, "fall": 2, "header": "X-Mirror-Status: ok"}


@pytest.mark.parametrize(
    ("seen", "is_up"),
    [
        ("", True),
        ("..", True),
        ("xx", True),  # below the limit
        ("xxx", False),
        ("xx.xx", True),  # a good one in between starts the count anew
        ("xxx.", False),
        ("xxx.x.", False),
        ("xxx..", True),
        ("xxx..xx", True),
    ],
)
def test_so_many_in_a_row_change_the_verdict(seen: str, is_up: bool) -> None:
    condition = Condition(HealthCheck("/", rise=2, fall=3))
    for one in seen:
        condition = condition.saw(well=one == ".")
    assert condition.is_up is is_up


@pytest.mark.parametrize(
    ("check", "status", "headers", "wrong"),
    [
        (HealthCheck("/"), 200, {}, ""),
        (HealthCheck("/"), 503, {}, "answered 503 instead of 200"),
        (HealthCheck("/"), 404, {}, "answered 404 instead of 200"),
        (HealthCheck("/", status=204), 204, {}, ""),
        (HealthCheck("/", header="X-Mirror-Status: ok"), 200, {"x-mirror-status": "OK "}, ""),
        (HealthCheck("/", header="X-Mirror-Status:ok"), 200, {}, "lacks the header X-Mirror-Status:ok"),
        (HealthCheck("/", header="X-A: b"), 200, {"x-a": "c"}, "lacks the header X-A: b"),
    ],
)
def test_what_a_good_answer_is(check: HealthCheck, status: int, headers: Mapping[str, str], wrong: str) -> None:
    assert fault(check, status, headers) == wrong


async def test_a_check_that_was_not_made_says_nothing() -> None:
    async def look(path: str, seconds: float) -> tuple[int, Mapping[str, str]]:
        raise Unavailable(trouble=Trouble.OURS)

    checkup = Checkup("a", look, HealthCheck("/", fall=1), Events(Metrics(), lambda *_, **__: None))
    await checkup.once()
    assert checkup.is_up


async def test_a_defect_in_a_check_is_a_bad_answer() -> None:
    async def look(path: str, seconds: float) -> tuple[int, Mapping[str, str]]:
        raise ZeroDivisionError

    checkup = Checkup("a", look, HealthCheck("/", fall=1), Events(Metrics(), lambda *_, **__: None))
    await checkup.once()
    assert not checkup.is_up


# The whole gateway.


def well(_: Request, given: Delivery) -> Delivery:
    return replace(given, status=200, headers={**given.headers, "X-Mirror-Status": "ok"})


def is_healthy(gateway: Gateway, upstream: Upstream, *, is_so: bool) -> bool:
    return gateway.metric("modgate_upstream_healthy", upstream=upstream.url) == is_so


@pytest.fixture
def first(world: World) -> Upstream:
    made = world.upstream([Module(f"example.com/m{number}", "v1.0.0") for number in range(3)])
    made.misbehaves(well, on="healthz")
    return made


@pytest.fixture
def second(world: World) -> Upstream:
    made = world.upstream([Module(f"example.com/m{number}", "v1.0.0") for number in range(3)])
    made.misbehaves(well, on="healthz")
    return made


@pytest.mark.parametrize("trouble", [faults.status(500), faults.hangs_up(), faults.status(200)])
def test_one_that_fails_its_check_is_left_alone_until_it_passes(
    world: World, first: Upstream, second: Upstream, trouble: faults.Fault
) -> None:
    gateway = world.gateway(f"{first.url},{second.url}", health_check=CHECK)
    assert gateway.get("example.com/m0/@v/v1.0.0.mod").status == 200
    first.misbehaves(trouble, on="healthz")
    eventually(lambda: is_healthy(gateway, first, is_so=False), "its check fails")
    expect_trouble(gateway.get("example.com/m1/@v/v1.0.0.mod"), 503)
    assert first.asked_for("mod") == 1
    assert gateway.metric("modgate_upstream_up", upstream=first.url) == 0
    state = get(f"{gateway.admin_url}/health/ready").json()["checks"]["upstreams"]
    assert state == {"ok": True, "reason": f"known to be down: {first.url}"}
    told = get(f"{gateway.admin_url}/api/upstreams").json()
    assert [(one["name"], one["state"], one["health"]["up"]) for one in told] == [
        (first.url, "down", False),
        (second.url, "up", True),
    ]
    assert told[0]["health"]["reason"]
    first.misbehaves(well, on="healthz")
    eventually(lambda: is_healthy(gateway, first, is_so=True), "its check passes")
    assert gateway.get("example.com/m1/@v/v1.0.0.mod").status == 200
    events = [json.loads(line).get("event") for line in gateway.log_text().splitlines() if line.startswith("{")]
    assert [events.count("upstream_unhealthy"), events.count("upstream_healthy")] == [1, 1]


def test_when_all_fail_their_checks_the_gateway_is_not_ready(world: World, first: Upstream) -> None:
    gateway = world.gateway(first, health_check=CHECK)
    first.hangs(on="healthz")
    eventually(lambda: get(f"{gateway.admin_url}/health/ready").status == 503, "it is not ready")
    assert first.url in get(f"{gateway.admin_url}/health/ready").text
    first.behaves()
    first.misbehaves(well, on="healthz")
    eventually(lambda: get(f"{gateway.admin_url}/health/ready").status == 200, "it is ready")


def test_without_a_path_nobody_is_checked(world: World, first: Upstream) -> None:
    gateway = world.gateway(first, health_check={"every": "100ms"})
    assert gateway.get("example.com/m0/@v/v1.0.0.mod").status == 200
    assert first.asked == 1
    assert "modgate_upstream_healthy" not in get(f"{gateway.admin_url}/metrics").text


@pytest.mark.parametrize(
    ("path", "asked"), [("/ping", "ping"), ("ping", "base/ping"), ("./", "base/"), ("/a?b=c", "a?b=c")]
)
def test_the_path_is_a_link_from_the_upstreams_url(world: World, path: str, asked: str) -> None:
    upstream = world.upstream()
    world.gateway(f"{upstream.url}/base", health_check={**CHECK, "path": path})
    upstream.wait_until_asked()
    assert upstream.requests[0].target == f"/{asked}"


def test_what_would_be_no_check_is_refused_at_the_start(world: World) -> None:
    for check, told in (
        ({"path": "https://elsewhere.example/"}, "health_check.path: "),
        ({"path": "//elsewhere.example/"}, "health_check.path: "),
        ({"path": "/a b"}, "health_check.path: "),
        ({"path": "/", "header": "X-Mirror-Status"}, "health_check.header: "),
    ):
        with pytest.raises(AssertionError, match=told):
            world.gateway("https://a.example", health_check=check)


def test_each_upstream_may_have_a_check_of_its_own(world: World) -> None:
    module = Module("example.com/m", "v1.0.0")
    checked, other = world.upstream([module]), world.upstream([module])
    checked.misbehaves(faults.status(404), on="ready")
    tables = f"""
[[host]]
match = "{checked.url}"
health_check = {{ path = "./ready", every = "100ms", fall = 1 }}
"""
    gateway = world.gateway(f"{checked.url}|{other.url}", tables=tables)
    eventually(lambda: gateway.metric("modgate_upstream_up", upstream=checked.url) == 0, "it is known to be down")
    assert gateway.get(f"{module.name}.mod").body == module.mod_bytes
    assert (checked.asked_for("mod"), other.asked_for("mod")) == (0, 1)
    assert other.asked_for("ready") == 0

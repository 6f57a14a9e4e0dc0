"""Probes learn on both ports whether the gateway lives and whether it is ready."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from modgate.observe.exposition import render
from modgate.observe.families import REQUESTS
from modgate.observe.metrics import Metrics
from modgate.serve.admin import AdminPort
from modgate.serve.health import Check, Health
from tests.serve.fakes import Logged, Port

DOWN = Check("upstream", ok=False, reason="every upstream is known to be down")


class Admin(Port):
    """An admin port, with the same handles."""

    def __init__(self, access_log: Path) -> None:
        self.told = Logged()
        self.numbers = Metrics()
        self.numbers.counter(REQUESTS, "info", "200", "hit").add()
        super().__init__(
            access_log,
            app=AdminPort(
                health=Health(lambda: self.checks, "0.1.0"),
                scrape=lambda: render(self.numbers.samples()),
                prepare=self.prepare,
                log=self.told,
                base_path="/go",
            ),
        )

    async def prepare(self) -> None:
        """Nobody else has to be asked."""


@pytest.fixture
async def admin(tmp_path: Path) -> AsyncIterator[Admin]:
    served = Admin(tmp_path / "admin.log")
    await served.listener.start()
    yield served
    await served.close()


@pytest.mark.parametrize("target", ["/health/live", "/healthz", "/health/ready", "/readyz", "/version", "/"])
async def test_a_ready_gateway_says_so_everywhere(port: Port, admin: Admin, target: str) -> None:
    for served in (port, admin):
        response = await served.ask(target)
        assert (response.status, response.headers["cache-control"]) == (200, "no-store")
        head = await served.ask(target, "HEAD")
        assert (head.status, head.headers["content-length"]) == (200, str(len(response.body)))
        assert (await served.ask(target, "POST")).status == 405


async def test_one_failing_check_makes_it_unready_and_not_dead(port: Port, admin: Admin) -> None:
    for served in (port, admin):
        served.checks.append(DOWN)
        assert (await served.ask("/healthz")).status == 200
        assert (await served.ask("/readyz")).status == 503
        root = await served.ask("/")
        assert (root.status, root.headers["x-go-proxy-status"]) == (503, "unavailable")
        assert root.text == "unavailable: modgate is not ready: upstream: every upstream is known to be down\n"


async def test_readiness_has_a_reason_per_check(port: Port) -> None:
    assert json.loads((await port.ask("/health/ready")).body) == {
        "status": "ready",
        "checks": {"store": {"ok": True, "reason": ""}},
    }
    port.checks.append(DOWN)
    assert json.loads((await port.ask("/health/ready")).body) == {
        "status": "unavailable",
        "checks": {"store": {"ok": True, "reason": ""}, "upstream": {"ok": False, "reason": DOWN.reason}},
    }


async def test_the_root_has_the_header_that_balancers_look_for(port: Port) -> None:
    response = await port.ask("/", "HEAD")
    assert (response.status, response.headers["x-mirror-status"], response.body) == (200, "ok", b"")


async def test_the_version_is_json(port: Port) -> None:
    assert json.loads((await port.ask("/version")).body) == {"name": "modgate", "version": "0.1.0"}


async def test_metrics_are_on_the_admin_port_only(port: Port, admin: Admin) -> None:
    response = await admin.ask("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert 'modgate_requests_total{cache="hit",kind="info",status="200"} 1.0' in response.text
    assert (await port.ask("/metrics")).status == 404


@pytest.mark.parametrize(("target", "status"), [("/go/readyz", 200), ("/go", 200), ("/go/", 200), ("/go/metrics", 200)])
async def test_the_admin_port_knows_the_base_path_too(admin: Admin, target: str, status: int) -> None:
    assert (await admin.ask(target)).status == status


@pytest.mark.parametrize(("target", "status"), [("/rsc.io/quote/@v/list", 404), ("/x", 404), ("/%zz", 400)])
async def test_the_admin_port_serves_nothing_else(admin: Admin, target: str, status: int) -> None:
    response = await admin.ask(target)
    assert response.status == status
    assert admin.told.entries == []


async def test_a_check_that_fails_itself_is_logged(admin: Admin) -> None:
    admin.checks.append(None)  # type: ignore[arg-type]
    assert (await admin.ask("/readyz")).status == 500
    assert [event for event, _ in admin.told.entries] == ["request_failed"]

"""`modgate check` and `modgate health` say about a real gateway what is so."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.command import run
from tests.world import Module, Upstream, World, eventually

MODULE = Module("example.com/m", "v1.0.0")


@pytest.fixture
def upstream(world: World) -> Upstream:
    return world.upstream([MODULE])


def test_a_gateway_is_healthy_while_an_upstream_is_not_known_to_be_down(world: World, upstream: Upstream) -> None:
    gateway = world.gateway(upstream, base_path="/go")
    urls = [gateway.url, gateway.admin_url, gateway.url.removesuffix("/go")]
    for url in urls:
        done = run("health", url)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"ready: {url}\n", "")
    upstream.goes_down()
    for number in range(5):
        gateway.get(f"example.com/m/@v/v1.0.{number}.mod")
    for url in urls:
        done = run("health", url)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"not ready: {url} answered 503: ")
        assert upstream.url in done.stderr
        assert done.stderr.count("\n") == 1
    upstream.comes_back()
    eventually(lambda: run("health", gateway.url).returncode == 0, "its return was seen")
    gateway.stop()
    assert run("health", gateway.url).returncode == 1


def test_health_finds_its_gateway_by_the_settings(world: World, upstream: Upstream) -> None:
    gateway = world.gateway(upstream)
    admin = urlsplit(gateway.admin_url).netloc
    assert run("health", environ={"MODGATE_ADMIN": admin}).returncode == 0
    listen = urlsplit(gateway.url).netloc
    assert run("health", environ={"MODGATE_ADMIN": "off", "MODGATE_LISTEN": listen}).returncode == 0


def test_check_says_that_the_port_of_a_running_gateway_is_taken(world: World, upstream: Upstream) -> None:
    gateway = world.gateway(upstream)
    flags = ["--listen", urlsplit(gateway.url).netloc, "--admin", urlsplit(gateway.admin_url).netloc]
    done = run("check", *flags, "--upstream", upstream.url, "--data", str(gateway.data))
    assert done.returncode == 2
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["listen", "admin"]
    assert all("is in use; " in line for line in done.stderr.splitlines())


def test_check_changes_nothing_and_asks_nobody(upstream: Upstream, tmp_path: Path) -> None:
    done = run("check", "--upstream", upstream.url, "--data", str(tmp_path / "new"), "--listen", "127.0.0.1:0")
    assert done.returncode == 0, done.stderr
    assert upstream.url in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert upstream.asked == 0

"""The control socket is for the gateway's own user, bounded, and there wherever the data directory is."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from modgate.gateway.controlling_client import Control
from modgate.gateway.controlling_path import NAME, connected
from tests.upstreams.commands import alone, run
from tests.world import Gateway, World, eventually


@pytest.fixture(params=(1, 2), ids="{}-workers".format)
def workers(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


@pytest.fixture
def gateway(world: World) -> Gateway:
    return world.gateway(world.upstream({"example.com/m": ["v1.0.0"]}))


@pytest.fixture
def line(gateway: Gateway) -> Iterator[socket.socket]:
    with closing(connected(gateway.data, 30.0)) as made:
        yield made


def says(line: socket.socket, data: bytes) -> Any:
    """The answer; None where the conversation is over."""
    line.sendall(data)
    answer = line.makefile("rb").readline()
    return json.loads(answer) if answer else None


def test_only_its_user_can_connect(gateway: Gateway) -> None:
    mode = (gateway.data / NAME).stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600


def test_it_is_gone_with_the_gateway(gateway: Gateway) -> None:
    gateway.stop()
    assert not (gateway.data / NAME).exists()


def test_what_a_dead_gateway_left_is_in_nobodys_way(world: World, gateway: Gateway) -> None:
    gateway.kill()
    assert (gateway.data / NAME).exists()
    assert "no gateway runs on" in run(gateway, "upstreams").stderr
    again = world.gateway(world.upstream(), data=gateway.data)
    with Control(again.data) as control:
        assert control.ask("about")["listen"] == again.url


def test_of_two_gateways_on_one_directory_the_first_has_it(world: World, gateway: Gateway) -> None:
    second = world.gateway(world.upstream(), data=gateway.data)
    with Control(gateway.data) as control:
        assert control.ask("about")["listen"] == gateway.url
    assert "no control socket" in second.log_text()
    second.stop()
    with Control(gateway.data) as control:
        assert control.ask("about")["listen"] == gateway.url


def test_a_directory_with_a_long_path_has_one_too(world: World) -> None:
    data = world.place("data").joinpath(*["a-long-name-of-a-directory"] * 6)
    data.mkdir(parents=True)
    assert len(str(data)) > 150
    gateway = world.gateway(world.upstream(), data=data)
    with Control(data) as control:
        assert control.ask("about")["listen"] == gateway.url
    assert stat.S_IMODE((data / NAME).stat().st_mode) == 0o600


NO_REQUESTS = [
    b"\n",
    b"nonsense\n",
    b"[]\n",
    b'{"do": 1}\n',
    b'{"do": "nothing"}\n',
    b'{"do": []}\n',
    b"\xff\n",
    b"[" * 60_000 + b"\n",
]


def test_what_is_no_request_is_told_so_and_the_next_one_is_answered(line: socket.socket) -> None:
    for request_line in NO_REQUESTS:
        assert "error" in says(line, request_line)
        assert "listen" in says(line, b'{"do": "about"}\n')["ok"]


def test_a_line_that_is_too_long_ends_the_conversation(gateway: Gateway, line: socket.socket) -> None:
    with suppress(OSError):  # it was cut while it was still being sent
        assert says(line, b"x" * 1_000_000) is None
    assert gateway.get("healthz").status == 200
    with Control(gateway.data) as control:
        assert control.ask("about")["listen"] == gateway.url


def test_only_so_many_talk_at_once(gateway: Gateway) -> None:
    lines = [connected(gateway.data, 30.0) for _ in range(8)]
    for one in lines:
        assert "ok" in says(one, b'{"do": "about"}\n')
    with closing(connected(gateway.data, 30.0)) as late:
        assert late.recv(1) == b""
    for one in lines:
        one.close()

    def answers() -> bool:
        with closing(connected(gateway.data, 30.0)) as again:
            try:
                return says(again, b'{"do": "about"}\n') is not None
            except OSError:
                return False

    eventually(answers, "there is room again")


def test_a_gateway_without_one_serves_all_the_same(world: World) -> None:
    data = world.place("data")
    (data / NAME).mkdir(parents=True)
    gateway = world.gateway(world.upstream({"example.com/m": ["v1.0.0"]}), data=data)
    assert gateway.get("example.com/m/@v/list").status == 200
    assert "no control socket" in gateway.log_text()


def test_where_no_gateway_runs_a_command_says_so_in_a_line(tmp_path: Path) -> None:
    done = alone(tmp_path, "upstreams")
    assert done.returncode == 2
    told = f"no gateway runs on {tmp_path / 'data'}; start one with modgate serve, or give its --data"
    assert done.stderr == f"modgate: data: {told}\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may connect to everything")
def test_another_users_gateway_is_not_ours_to_control(gateway: Gateway) -> None:
    (gateway.data / NAME).chmod(0)
    assert "cannot be controlled" in run(gateway, "upstreams").stderr

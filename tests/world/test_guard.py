"""Tests cannot leave this machine, and its settings cannot get into tests."""

from __future__ import annotations

import os
import socket

import pytest

from tests.world.guard import NetworkRefused, is_local, is_of_this_machine


@pytest.mark.parametrize(
    ("address", "local"),
    [
        (("127.0.0.1", 80), True),
        (("127.9.9.9", 80), True),
        (("localhost", 80), True),
        (("::1", 80, 0, 0), True),
        ("/run/socket", True),
        (("192.0.2.1", 80), False),
        (("example.com", 80), False),
        (("2001:db8::1", 80, 0, 0), False),
        (("localhost.example.com", 80), False),
    ],
)
def test_what_counts_as_this_machine(address: object, local: bool) -> None:
    assert is_local(address) is local


def test_other_machines_cannot_be_reached() -> None:
    with socket.socket() as outside, pytest.raises(NetworkRefused):
        outside.connect(("192.0.2.1", 80))
    with pytest.raises(NetworkRefused):
        socket.create_connection(("example.com", 80))


@pytest.mark.parametrize("variable", ["GOPROXY", "GOFLAGS", "MODGATE_DATA", "https_proxy", "NO_PROXY", "XDG_DATA_HOME"])
def test_settings_of_this_machine_are_removed(variable: str) -> None:
    assert is_of_this_machine(variable)
    assert variable not in os.environ


def test_what_programs_need_stays() -> None:
    assert not any(map(is_of_this_machine, ["PATH", "HOME", "LANG", "TMPDIR"]))
    assert "PATH" in os.environ

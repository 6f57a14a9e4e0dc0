"""SIGTERM and SIGINT drain, a second one cuts, SIGHUP reads files anew."""

from __future__ import annotations

import os
import signal
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import IncompleteRead
from pathlib import Path

import pytest

from tests.world import Gateway, Module, Upstream, World, eventually, get

pytestmark = pytest.mark.workers(1, 2, soak=4)

MODULE = Module("example.com/m", "v1.0.0", payload=1_000_000)
ZIP, MOD = f"{MODULE.name}.zip", f"{MODULE.name}.mod"
ENDING = [signal.SIGTERM, signal.SIGINT]
AT_ONCE = 5.0
"""Seconds for an end that waits for nothing but, for two seconds, for fetches; the drain time is 30 s."""


@pytest.fixture
def upstream(world: World) -> Upstream:
    return world.upstream([MODULE])


def refuses(gateway: Gateway) -> bool:
    """A connection that waited in the queue of the port when it was closed is reset by the kernel, not refused."""
    try:
        gateway.connect().close()
    except (ConnectionRefusedError, ConnectionResetError):
        return True
    return False


@pytest.mark.parametrize("number", ENDING)
def test_an_idle_gateway_ends_at_once_and_well(world: World, upstream: Upstream, number: signal.Signals) -> None:
    gateway = world.gateway(upstream)
    with gateway.connect() as idle:
        idle.asks(MOD)
        assert idle.answer().status == 200
        began = time.monotonic()
        gateway.signals(number)
        assert gateway.ended() == 0
        assert time.monotonic() - began < AT_ONCE
        assert idle.rest() == b""


@pytest.mark.parametrize("number", ENDING)
def test_no_request_that_was_accepted_is_cut_off(world: World, upstream: Upstream, number: signal.Signals) -> None:
    gateway = world.gateway(upstream)
    gateway.get(ZIP)
    other = Module("example.com/other", "v1.0.0", payload=1_000_000)
    upstream.publishes(other)
    rest, gate = upstream.pauses(after=500_000), upstream.hangs(on="list")
    with gateway.connect() as growing, gateway.connect() as stored, gateway.connect() as waiting:
        growing.asks(f"{other.name}.zip")
        cold = growing.begins()
        stored.asks(ZIP)
        hot = stored.begins()
        waiting.asks("example.com/m/@v/list")
        eventually(lambda: upstream.asked_for("list"), "the upstream was asked for the list")
        gateway.signals(number)
        eventually(lambda: refuses(gateway), "no new client was accepted")
        rest.open()
        gate.open()
        assert cold.read() == other.zip_bytes
        assert hot.read() == MODULE.zip_bytes
        assert waiting.answer().body == b"v1.0.0\n"
    assert gateway.ended() == 0


def test_a_signal_to_the_whole_group_takes_the_checker_from_nobody(world: World, upstream: Upstream) -> None:
    rest = upstream.pauses(after=500_000)
    gateway = world.gateway(upstream)
    with gateway.connect() as client:
        client.asks(ZIP)
        answer = client.begins()
        os.killpg(gateway.pid, signal.SIGTERM)  # as a terminal and many supervisors do
        eventually(lambda: refuses(gateway), "the drain began")
        rest.open()
        assert answer.read() == MODULE.zip_bytes
    assert gateway.ended() == 0


@pytest.mark.parametrize("number", ENDING)
def test_a_second_signal_cuts_what_is_left(world: World, upstream: Upstream, number: signal.Signals) -> None:
    upstream.pauses(after=500_000)
    gateway = world.gateway(upstream)
    with gateway.connect() as client:
        client.asks(ZIP)
        answer = client.begins()
        gateway.signals(number)
        eventually(lambda: refuses(gateway), "the drain began")
        assert gateway.is_running
        gateway.signals(number)
        began = time.monotonic()
        with pytest.raises((IncompleteRead, ConnectionResetError)):
            answer.read()
        assert gateway.ended() == 0
        assert time.monotonic() - began < AT_ONCE


def test_what_is_not_done_within_the_drain_time_is_cut(world: World, upstream: Upstream) -> None:
    upstream.pauses(after=500_000)
    gateway = world.gateway(upstream, drain_time="1s")
    with gateway.connect() as client:
        client.asks(ZIP)
        answer = client.begins()
        gateway.signals(signal.SIGTERM)
        began = time.monotonic()
        with pytest.raises((IncompleteRead, ConnectionResetError)):
            answer.read()
        assert time.monotonic() - began >= 0.9
        assert gateway.ended() == 0
    assert gateway.files("modules") == []


def test_fetches_that_nobody_waits_for_do_not_keep_it_from_ending(world: World, upstream: Upstream) -> None:
    upstream.hangs()
    gateway = world.gateway(upstream)
    for target in (ZIP, MOD, "example.com/m/@v/list"):
        with gateway.connect() as client:
            client.asks(target)
            eventually(lambda target=target: upstream.asked_for(target), "the upstream was asked")  # type: ignore[misc]
    began = time.monotonic()
    gateway.signals(signal.SIGTERM)
    assert gateway.ended() == 0
    assert time.monotonic() - began < AT_ONCE
    assert [name for name in gateway.spool() if not name.endswith(".part")] == []


def test_clients_that_ask_all_the_time_are_answered_until_it_ends(world: World, upstream: Upstream) -> None:
    gateway = world.gateway(upstream)
    gateway.get(MOD)
    answered = [0] * 8

    def ask(number: int) -> None:
        """Ask on one connection until it is closed."""
        with gateway.connect() as client:
            for _ in range(1_000_000):
                try:
                    client.asks(ZIP if number % 2 else MOD)
                    answer = client.answer()
                except ConnectionError:
                    return  # it was closed between two requests
                assert not answer.cut
                assert answer.status == 200
                answered[number] += 1
                if answer.headers.get("connection") == "close":
                    return
        raise AssertionError("it never ended")

    with ThreadPoolExecutor(8) as pool:
        clients = [pool.submit(ask, number) for number in range(8)]
        eventually(lambda: min(answered) > 10, "all of them are at it")
        gateway.signals(signal.SIGTERM)
        for client in clients:
            client.result()
    assert gateway.ended() == 0


def test_the_access_log_is_opened_anew_on_sighup(world: World, upstream: Upstream) -> None:
    gateway = world.gateway(upstream)
    log, old = gateway.home / "access.log", gateway.home / "access.log.1"
    gateway.get(MOD)
    assert gateway.access_log(at_least=1)
    log.rename(old)
    gateway.get(ZIP)
    gateway.signals(signal.SIGHUP)
    eventually(log.exists, "there is a new file")
    gateway.get(f"{MODULE.name}.info")
    assert [line["kind"] for line in gateway.access_log(at_least=1)] == ["info"]
    assert old.read_text().count("\n") == 2, "what came before is in the old one, all of it"


def test_a_log_that_cannot_be_opened_anew_is_told_and_the_old_one_goes_on(world: World, upstream: Upstream) -> None:
    gateway = world.gateway(upstream)
    log, old = gateway.home / "access.log", gateway.home / "access.log.1"
    gateway.get(MOD)
    assert gateway.access_log(at_least=1)
    log.rename(old)
    log.mkdir()
    gateway.signals(signal.SIGHUP)
    eventually(lambda: "access log not reopened" in gateway.log_text(), "it says so")
    assert gateway.get(ZIP).status == 200
    eventually(lambda: old.read_text().count("\n") == 2, "the line is in the old one")


def test_every_request_is_in_the_log_when_it_has_ended(world: World, upstream: Upstream) -> None:
    gateway = world.gateway(upstream)
    for _ in range(50):
        gateway.get(MOD)
    gateway.stop()
    assert len(gateway.access_log()) == 50


def test_certificates_are_read_again_on_sighup(world: World, upstream: Upstream, tmp_path: Path) -> None:
    authorities = [Authority(), Authority()]
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    authorities[0].writes(certificate, key)
    gateway = world.gateway(upstream, tls_cert=certificate, tls_key=key)
    assert gateway.url.startswith("https://")
    assert get(f"{gateway.url}/{MOD}", authority=authorities[0].trust()).status == 200

    authorities[1].writes(certificate, key)
    gateway.signals(signal.SIGHUP)

    def is_new() -> bool:
        try:
            return get(f"{gateway.url}/{MOD}", authority=authorities[1].trust()).status == 200
        except ssl.SSLCertVerificationError:
            return False

    eventually(is_new, "the new certificate is shown")
    with pytest.raises(ssl.SSLCertVerificationError):
        get(f"{gateway.url}/{MOD}", authority=authorities[0].trust())

    key.write_text("no key")
    gateway.signals(signal.SIGHUP)
    eventually(lambda: "certificate not reloaded" in gateway.log_text(), "it says that this one is no good")
    assert is_new(), "and goes on with the last good one"


class Authority:
    """Somebody who signs certificates."""

    def __init__(self) -> None:
        import trustme

        self._authority = trustme.CA()

    def writes(self, certificate: Path, key: Path) -> None:
        leaf = self._authority.issue_cert("127.0.0.1")
        leaf.private_key_pem.write_to_path(str(key))
        leaf.cert_chain_pems[0].write_to_path(str(certificate))

    def trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context

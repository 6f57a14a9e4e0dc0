"""The benchmark's own upstream hands out files, counts, and behaves as badly as it is told to."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from benchmarks.asking import ask
from benchmarks.errors import Broken, Missing
from benchmarks.load import crowd
from benchmarks.processes import Running, free_port, installed, wait_until_answered
from benchmarks.upstream import COUNTS, Behaviour, Counts, Fault, Upstream
from tests.toolchain import ROOT

MOD, ZIP = "/example.com/m/@v/v1.0.0.mod", "/example.com/m/@v/v1.0.0.zip"
ZIP_BYTES = 100_000


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Upstream, Running]]:
    home = tmp_path_factory.mktemp("upstream")
    folder = home / "files/example.com/m/@v"
    folder.mkdir(parents=True)
    (folder / "v1.0.0.mod").write_bytes(b"module example.com/m\n")
    (folder / "v1.0.0.zip").write_bytes(b"z" * ZIP_BYTES)
    port = free_port()
    command = Upstream.command(port, home / "files", latency=0.001)
    with Running(command, environ={**os.environ, "PYTHONPATH": str(ROOT)}, log=home / "log") as process:
        wait_until_answered(process, port, b"GET %b HTTP/1.1\r\n\r\n" % COUNTS, within=20)
        yield Upstream(port), process


@pytest.fixture
def upstream(running: tuple[Upstream, Running]) -> Iterator[Upstream]:
    running[0].forget()
    yield running[0]
    running[0].behave(Behaviour(0.001))


def test_an_upstream_counts_requests_zips_and_bytes(upstream: Upstream) -> None:
    assert ask(upstream.port, MOD).body == b"module example.com/m\n"
    assert ask(upstream.port, ZIP.replace("/m/", "/%6d/")).status == 200
    assert ask(upstream.port, MOD.replace("v1", "v9")).status == 404
    assert upstream.counts() == Counts(requests=3, zips=1, body_bytes=ZIP_BYTES + 21)
    upstream.forget()
    assert upstream.counts() == Counts(requests=0, zips=0, body_bytes=0)


def test_a_narrow_way_takes_its_time_and_brings_all_the_bytes(upstream: Upstream) -> None:
    upstream.behave(Behaviour(0.001, bandwidth=1_000_000))
    first, second = crowd.download(upstream.port, ZIP, ZIP)
    assert first.received == second.received == ZIP_BYTES
    assert min(first.seconds, second.seconds) >= 0.09
    assert first.first_byte < first.seconds


def test_a_crowd_notices_what_is_no_whole_answer(upstream: Upstream) -> None:
    with pytest.raises(Broken, match="404"):
        crowd.download(upstream.port, ZIP, ZIP.replace("v1", "v9"))


def test_an_upstream_out_of_order_says_so(upstream: Upstream) -> None:
    upstream.behave(Behaviour(0.001, fault=Fault.ERROR))
    assert ask(upstream.port, MOD).status == 503


def test_an_upstream_that_hangs_answers_nothing(upstream: Upstream) -> None:
    upstream.behave(Behaviour(0.001, fault=Fault.HANG))
    with pytest.raises(Broken, match="timed out"):
        ask(upstream.port, MOD, seconds=0.1)
    upstream.behave(Behaviour(0.001))
    assert ask(upstream.port, MOD).status == 200


def test_a_process_is_looked_at_from_outside(running: tuple[Upstream, Running]) -> None:
    assert running[1].cpu_seconds() > 0
    assert running[1].memory() > 1


def test_a_missing_program_is_named_with_its_package() -> None:
    with pytest.raises(Missing, match="install the Debian package some-package"):
        installed("no-such-program", "some-package")

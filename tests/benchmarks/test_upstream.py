"""The benchmark's own upstream hands out files and counts; without a program the benchmark says what to install."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.asking import ask
from benchmarks.errors import Missing
from benchmarks.processes import Running, free_port, installed, wait_until_answered
from benchmarks.project import MODULES, publish
from benchmarks.upstream import COUNTS, Counts, Upstream
from tests.toolchain import ROOT


def test_an_upstream_counts_requests_zips_and_bytes(tmp_path: Path) -> None:
    folder = tmp_path / "upstream/example.com/m/@v"
    folder.mkdir(parents=True)
    (folder / "v1.0.0.mod").write_bytes(b"module example.com/m\n")
    (folder / "v1.0.0.zip").write_bytes(b"z" * 1000)
    port = free_port()
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = Upstream.command(port, tmp_path / "upstream", latency=0.001)
    with Running(command, environ=environ, log=tmp_path / "log") as process:
        wait_until_answered(process, port, b"GET %b HTTP/1.1\r\n\r\n" % COUNTS, within=20)
        upstream = Upstream(port)
        assert ask(port, "/example.com/m/@v/v1.0.0.mod").body == b"module example.com/m\n"
        assert ask(port, "/example.com/%6d/@v/v1.0.0.zip").status == 200
        assert ask(port, "/example.com/m/@v/v9.0.0.mod").status == 404
        assert upstream.counts() == Counts(requests=3, zips=1, body_bytes=1021)
        upstream.forget()
        assert upstream.counts() == Counts(requests=0, zips=0, body_bytes=0)
        assert process.cpu_seconds() > 0
        assert process.memory().rss > 1


def test_the_project_names_each_module_of_its_graph_once(tmp_path: Path) -> None:
    project = publish(tmp_path)
    assert project.go_mod.count("example.com/graph") == MODULES
    assert all((tmp_path / name).read_bytes().startswith(b"module ") for name in project.unstored)


def test_a_missing_program_is_named_with_its_package() -> None:
    with pytest.raises(Missing, match="install the Debian package some-package"):
        installed("no-such-program", "some-package")

"""One run: starts everything in its order, feeds the results, ends everything.

Belongs here: what is connected to what. Not here: the parts themselves.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from tests.conformance.direct import direct_scripts, repositories
from tests.conformance.options import Options
from tests.conformance.processes import LOOPBACK, RunnerError, free_port, port_said, running, wait_ready
from tests.conformance.relay import Hop, Relay
from tests.conformance.report import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_OK, Run, report
from tests.conformance.results import Results, read_expectations
from tests.conformance.scripts import Scripts
from tests.conformance.testbinary import Tests, compiled_tests, environ, sumdb_identity
from tests.world.guard import without_settings

TEST_ONLY = re.compile(r"/mod/(\d{3,}|invalid|redirect|sumdb-[^/]+)/")
"""Prefixes that make the test proxy of cmd/go misbehave. Only it knows them."""

STANDING_ALONE = r"running at GOPROXY=http://[^\s/]*:(\d+)/mod\n"
"""How the test proxy of cmd/go says its port."""

DIRECTLY = "/direct/"
"""Before the name of a script: what it would read directly."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_suite(options: Options) -> int:
    """Run the script tests as `options` say; the exit status."""
    for number in STOP_SIGNALS:
        signal.signal(number, _interrupt)
    logs = options.logs or Path(tempfile.mkdtemp(prefix="modgate-conformance-"))
    status = EXIT_ERROR
    try:
        logs.mkdir(parents=True, exist_ok=True)
        status = report(_run(options, logs))
    except (RunnerError, OSError) as error:
        print(f"error: {error}\nlogs: {logs}", file=sys.stderr)
    except KeyboardInterrupt:
        status = EXIT_INTERRUPTED
        print("interrupted", file=sys.stderr)
    if status in {EXIT_OK, EXIT_INTERRUPTED} and options.logs is None:
        shutil.rmtree(logs, ignore_errors=True)
    return status


def _interrupt(*_: object) -> None:
    """End the run in good order; a second signal does not disturb the clean-up."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _run(options: Options, logs: Path) -> Run:
    began = time.monotonic()
    deadline = began + options.timeout
    expected = read_expectations(options.expected)
    tests = compiled_tests(options.go, options.cache_dir, deadline)
    if options.direct and not options.run:
        options = dataclasses.replace(options, run=f"({'|'.join(map(re.escape, direct_scripts(tests)))})$")
    with contextlib.ExitStack() as stack:
        stage = _Stage(options, tests, logs, stack, deadline)
        results = Results(expected, verbose=options.verbose)
        scripts = Scripts(options, tests, logs, results, deadline)
        status = scripts.run(f"http://{LOOPBACK}:{stage.adapter.port}", stage.proxy)
        if options.direct:
            results.proves_nothing_without(stage.asking)
        seconds = time.monotonic() - began
        return Run(options, results, status, expected, stage.adapter, stage.tap, logs, seconds)


class _Stage:
    """Everything around the scripts: upstream, tap, proxy under test and adapter, started in this order."""

    def __init__(
        self, options: Options, tests: Tests, logs: Path, stack: contextlib.ExitStack, deadline: float
    ) -> None:
        self.asking = set[str]()
        """The scripts of direct mode that have asked the proxy under test."""
        self._deadline = deadline
        self._options = options
        self._logs = logs
        self._stack = stack
        requests = self._log("requests.log")
        self._upstream = self._test_proxy(tests)
        self.tap = stack.enter_context(
            Relay("tap", lambda path: Hop("upstream", self._upstream, path), requests).serving()
        )
        self._port, self._mount = self.tap.port, "/mod"
        self.proxy: subprocess.Popen[str] | None = None
        if options.proxy_cmd:
            self._port, self._mount = free_port(), options.path_prefix
            self.proxy = self._proxy_under_test(tests)
        self.adapter = stack.enter_context(Relay("adapter", self._route, requests).serving())

    def _log(self, name: str) -> IO[str]:
        return self._stack.enter_context((self._logs / name).open("w", buffering=1))

    def _test_proxy(self, tests: Tests) -> int:
        """Start the test proxy of cmd/go by itself; its port."""
        command = [str(tests.binary), "-proxy", f"{LOOPBACK}:0"]
        process = self._stack.enter_context(running(command, self._log("upstream.log"), environ(), tests.go.cmd_go))
        return port_said(process, self._logs / "upstream.log", STANDING_ALONE)

    def _proxy_under_test(self, tests: Tests) -> subprocess.Popen[str]:
        prefix = "modgate-store-"
        store = self._stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True))
        settings = self._repositories(tests) if self._options.direct else Path()
        upstream = f"http://{LOOPBACK}:{self.tap.port}/mod"
        command = _command(self._options, tests, self._port, store, upstream, settings)
        print("proxy under test:", shlex.join(command), flush=True)
        env = {**without_settings(os.environ), "GOENV": "off"}
        process = self._stack.enter_context(running(command, self._log("proxy.log"), env))
        options = self._options
        wait_ready(process, self._port, options.ready_path, options.ready_timeout, self._logs / "proxy.log")
        return process

    def _repositories(self, tests: Tests) -> Path:
        prefix = "modgate-repositories-"
        home = self._stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True))
        made = repositories(tests, self._options.cache_dir, self._deadline, Path(home), self._log("repositories.log"))
        return self._stack.enter_context(made)

    def _route(self, path: str) -> Hop:
        """Where the adapter sends a request of the scripts."""
        if path.startswith(DIRECTLY):
            script, _, rest = path.removeprefix(DIRECTLY).partition("/")
            self.asking.add(script)
            return Hop("proxy", self._port, f"{self._mount}/{rest}")
        if self._options.direct:  # the proxy under test has no other upstream
            return Hop("upstream", self._upstream, path)
        if TEST_ONLY.match(path) or (self._options.bypass_sumdb and path.startswith("/mod/sumdb/")):
            return Hop("upstream", self._upstream, path)
        below = self._mount + path.removeprefix("/mod") if path.startswith("/mod/") else path
        return Hop("proxy", self._port, below)


def _command(options: Options, tests: Tests, port: int, store: str, upstream: str, settings: Path) -> list[str]:
    """The command of the proxy under test."""
    name, key = sumdb_identity(tests.go)
    values = {
        "port": str(port),
        "listen": f"{LOOPBACK}:{port}",
        "store": store,
        "upstream": upstream,
        "prefix": options.path_prefix,
        "settings": str(settings),
        "sumdb_name": name,
        "sumdb_key": key,
        "sumdb_upstream": f"{upstream}/sumdb/{name}",
    }
    return [_filled(word, values) for word in shlex.split(options.proxy_cmd)]


def _filled(template: str, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise RunnerError(f"unknown variable {match[0]} in the command; known: {', '.join(values)}")
        return values[match[1]]

    return re.sub(r"\{([a-z_]+)\}", value, template)

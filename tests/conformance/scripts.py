"""The script tests themselves: one program that runs them all against a proxy's URL."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tests.conformance.options import Options
from tests.conformance.processes import RunnerError, running, tail
from tests.conformance.results import Results
from tests.conformance.testbinary import DIRECT_URL, NO_NETWORK, URL_OVERRIDE, Tests, environ

LAST_SECONDS = 10
"""Before the deadline the tests end by themselves, and say which of them did not finish."""


class Scripts:
    """The program, and what it says while it runs."""

    def __init__(self, options: Options, tests: Tests, logs: Path, results: Results, deadline: float) -> None:
        """`results` is fed while they run; `deadline` in monotonic seconds."""
        self._options = options
        self._tests = tests
        self._logs = logs
        self._deadline = deadline
        self._results = results

    def run(self, adapter: str, proxy: subprocess.Popen[str] | None) -> int:
        """Run the scripts with the proxy at this adapter; the program's exit status.

        Raises:
            RunnerError: `proxy` ended before they did.
        """
        with self._program(adapter) as program:
            lines = self._lines(program)
            while True:
                try:
                    self._results.feed(lines.get(timeout=0.5))
                except queue.Empty:
                    if program.poll() is not None:
                        return program.returncode
                if time.monotonic() > self._deadline:
                    print(f"the total timeout of {self._options.timeout:.0f} s is over: the tests are ended")
                    return -signal.SIGKILL
                if proxy is not None and proxy.poll() is not None:
                    said = tail(self._logs / "proxy.log")
                    raise RunnerError(f"the proxy under test ended during the run (status {proxy.returncode}):\n{said}")

    @contextlib.contextmanager
    def _program(self, adapter: str) -> Iterator[subprocess.Popen[str]]:
        env = environ(**{URL_OVERRIDE: f"{adapter}/mod", NO_NETWORK: "" if self._options.net else "1"})
        # Scripts that build take the tools of the go that stands in PATH.
        env["PATH"] = os.pathsep.join([str(self._tests.go.root / "bin"), env.get("PATH", os.defpath)])
        if self._options.direct:
            env[DIRECT_URL] = f"{adapter}/direct"
        command = [str(self._tests.binary), *self._arguments()]
        with (
            tempfile.TemporaryDirectory(prefix="modgate-scripts-", ignore_cleanup_errors=True) as scratch,
            running(command, subprocess.PIPE, env | {"TMPDIR": scratch}, self._tests.go.cmd_go) as program,
        ):
            yield program

    def _lines(self, program: subprocess.Popen[str]) -> queue.SimpleQueue[str]:
        """The program's output as it comes, which a thread also writes to tests.log."""
        lines = queue.SimpleQueue[str]()

        def pump(stream: IO[str]) -> None:
            with (self._logs / "tests.log").open("w") as log, contextlib.suppress(ValueError):  # closed at the deadline
                for line in stream:
                    log.write(line)
                    lines.put(line)

        assert program.stdout is not None
        threading.Thread(target=pump, args=(program.stdout,), daemon=True).start()
        return lines

    def _arguments(self) -> list[str]:
        options = self._options
        seconds = max(5, self._deadline - time.monotonic() - LAST_SECONDS)
        arguments = ["-test.run", f"^TestScript$/(?:{options.run})", "-test.v=test2json"]
        arguments += ["-test.parallel", str(options.parallel), "-test.timeout", f"{seconds:.0f}s"]
        if options.short:
            arguments.append("-test.short")
        if options.skip:
            arguments += ["-test.skip", f"^TestScript$/(?:{options.skip})"]
        return arguments

"""Processes that end with the run, and what they wrote.

Belongs here: starting and ending them, waiting for the proxy under test. Not here: which ones there are (suite.py).
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

LOOPBACK = "127.0.0.1"

GRACE = 5.0
"""Seconds that a process has to end by itself after SIGTERM."""


class RunnerError(Exception):
    """The run proves nothing: something around the tests did not work."""


@contextlib.contextmanager
def running(
    command: list[str], output: IO[str] | int, env: Mapping[str, str], cwd: Path | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A command that runs as the leader of its own process group, and ends with the block.

    Raises:
        RunnerError: it cannot be started.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
    except OSError as error:
        raise RunnerError(f"cannot start {command[0]}: {error}") from error
    try:
        yield process
    finally:
        _end(process)
        if process.stdout is not None:
            process.stdout.close()


def _end(process: subprocess.Popen[str]) -> None:
    """End a process and everything left in its group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        return int(sock.getsockname()[1])


def tail(path: Path, lines: int = 15) -> str:
    """The last lines of a log, for a message."""
    text = path.read_text(errors="replace") if path.exists() else ""
    return indented(text.splitlines()[-lines:])


def indented(lines: list[str]) -> str:
    """Lines as they are shown below a message."""
    return "\n".join("    | " + line for line in lines)


def wait_ready(process: subprocess.Popen[str], port: int, path: str, seconds: float, log: Path) -> None:
    """Wait until the proxy under test accepts connections or, with a path, answers it with 2xx.

    Raises:
        RunnerError: it ended, or was not ready in time.
    """
    until, last = time.monotonic() + seconds, "no answer"
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RunnerError(f"the proxy under test ended with status {process.returncode}:\n{tail(log)}")
        try:
            last = _look(port, path)
        except (OSError, http.client.HTTPException) as error:
            last = repr(error)
        if not last:
            return
        time.sleep(0.05)
    raise RunnerError(f"the proxy under test was not ready after {seconds:.0f} s ({last}):\n{tail(log)}")


def _look(port: int, path: str) -> str:
    """What is wrong with the proxy; "" is nothing."""
    if not path:
        socket.create_connection((LOOPBACK, port), 1).close()
        return ""
    with contextlib.closing(http.client.HTTPConnection(LOOPBACK, port, timeout=5)) as connection:
        connection.request("GET", path)
        status = connection.getresponse().status
    return "" if 200 <= status < 300 else f"status {status}"


def port_said(process: subprocess.Popen[str], log: Path, pattern: str, seconds: float = 60) -> int:
    """The port that a server of cmd/go's tests writes to its log, as `pattern` finds it.

    Raises:
        RunnerError: it does not.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        if match := re.search(pattern, log.read_text(errors="replace")):
            return int(match[1])
        time.sleep(0.05)
    raise RunnerError(f"{process.args!r} did not say its port:\n{tail(log)}")

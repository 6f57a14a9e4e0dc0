"""wrk: as many requests as a server answers, over connections that are kept alive.

It is a closed loop: a connection asks again when it has its answer, so that its latencies say how long a queue of that
many clients is, and nothing about a client that comes at its own time.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import Broken

SCRIPT = Path(__file__).with_name("wrk.lua")
TIMEOUT = 30
"""Seconds that one answer may take before wrk calls it failed."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What wrk counted."""

    requests: int
    seconds: float
    received: int
    """Bytes, heads included."""
    p50: float
    """Milliseconds, as are the next two."""
    p95: float
    p99: float


def run(program: str, url: str, *, connections: int, seconds: int, status: int) -> Figures:
    """Ask for one URL for so many whole seconds, in one thread.

    Raises:
        Broken: something else than `status` was answered, or a connection failed.
    """
    command = [program, "-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={TIMEOUT}s"]
    done = subprocess.run(
        [*command, "-s", str(SCRIPT), url],
        capture_output=True,
        text=True,
        timeout=seconds + 2 * TIMEOUT,
        check=False,
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("FIGURES ")), None)
    if line is None:
        raise Broken(f"wrk {url}: status {done.returncode}\n{done.stdout}{done.stderr}")
    said = json.loads(line.removeprefix("FIGURES "))
    expected = said["requests"] if status >= 400 else 0
    if said["failed"] or said["not_2xx"] != expected or not said["requests"]:
        raise Broken(f"wrk {url}: expected only {status}, got {said}")
    return Figures(
        requests=said["requests"],
        seconds=said["microseconds"] / 1e6,
        received=said["bytes"],
        p50=said["p50"] / 1000,
        p95=said["p95"] / 1000,
        p99=said["p99"] / 1000,
    )

"""oha: requests at a fixed rate by somebody else's program, to check our own loop (steady.py) by.

It counts from a request's time too (`--latency-correction`); its clock has milliseconds, so that 5,000 requests a
second leave it in bursts of five. `make bench-full` installs it where cargo is.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import Broken

HERE = Path(__file__).resolve().parent.parent.parent / ".cache/oha/bin"
TIMEOUT = 60
"""Seconds beyond the run itself."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What oha counted; latencies in milliseconds."""

    rate: float
    p50: float
    p95: float
    p99: float


def program() -> str | None:
    """Its path; None if it is not installed."""
    return shutil.which("oha", path=str(HERE)) or shutil.which("oha")


def run(path: str, url: str, *, rate: int, seconds: int, connections: int) -> Figures:
    """Ask for one URL, `rate` times a second.

    Raises:
        Broken: not everything was answered 200.
    """
    command = [path, "--no-tui", "--output-format", "json", "--latency-correction", f"-q{rate}", f"-z{seconds}s"]
    done = subprocess.run(
        [*command, f"-c{connections}", url], capture_output=True, text=True, timeout=seconds + TIMEOUT, check=False
    )
    if done.returncode != 0:
        raise Broken(f"oha {url}: status {done.returncode}\n{done.stderr[-500:]}")
    said = json.loads(done.stdout)
    if set(said["statusCodeDistribution"]) != {"200"}:
        raise Broken(f"oha {url}: {said['statusCodeDistribution']} {said['errorDistribution']}")
    p50, p95, p99 = (said["latencyPercentiles"][name] * 1e3 for name in ("p50", "p95", "p99"))
    return Figures(said["summary"]["requestsPerSec"], p50, p95, p99)

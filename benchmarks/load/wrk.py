"""wrk: as many requests as a server answers, over connections that are kept alive.

It is a closed loop: a connection asks again when it has its answer, so that its latencies say how long a queue of that
many clients is, and nothing about a client that comes at its own time.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import Broken

SCRIPT, MIXED_SCRIPT = Path(__file__).with_name("wrk.lua"), Path(__file__).with_name("mixed.lua")
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


@dataclass(frozen=True, slots=True)
class Mixed:
    """Groups of targets; each request is for any of a group, which is chosen by its weight."""

    groups: tuple[tuple[int, tuple[str, ...]], ...]

    @property
    def targets(self) -> list[str]:
        """All of them."""
        return [target for _, targets in self.groups for target in targets]

    @property
    def arguments(self) -> list[str]:
        """As mixed.lua takes them."""
        return [f"{weight} {' '.join(targets)}" for weight, targets in self.groups]


def run(
    program: str,
    url: str,
    *,
    connections: int,
    seconds: int,
    status: int = 200,
    headers: Sequence[str] = (),
    mixed: Mixed | None = None,
) -> Figures:
    """Ask for one URL, or what is `mixed` on its server, for so many whole seconds, in one thread.

    `status` 0 stands for any: some of what is mixed is not there.

    Raises:
        Broken: something else than `status` was answered, or a connection failed.
    """
    command = [program, "-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={TIMEOUT}s"]
    command += [word for header in headers for word in ("-H", header)]
    command += ["-s", str(MIXED_SCRIPT if mixed else SCRIPT), url]
    command += ["--", *mixed.arguments] if mixed else []
    timeout = seconds + 2 * TIMEOUT
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith("FIGURES ")), None)
    if line is None:
        raise Broken(f"wrk {url}: status {done.returncode}\n{done.stdout}{done.stderr}")
    said = json.loads(line.removeprefix("FIGURES "))
    expected = {0: said["not_2xx"], 200: 0}.get(status, said["requests"])
    if said["failed"] or said["not_2xx"] != expected or not said["requests"]:
        raise Broken(f"wrk {url}: expected only {status}, got {said}")
    return _figures(said)


def _figures(said: dict[str, int]) -> Figures:
    """What wrk.lua wrote, whose times are microseconds."""
    return Figures(
        requests=said["requests"],
        seconds=said["microseconds"] / 1e6,
        received=said["bytes"],
        p50=said["p50"] / 1000,
        p95=said["p95"] / 1000,
        p99=said["p99"] / 1000,
    )

"""Commands of modgate beside a gateway that runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.world.gateway import PROGRAM, Gateway
from tests.world.guard import without_settings

SECONDS = 120.0
"""For a command; a drill takes some seconds more than it is told."""


@contextmanager
def begun(gateway: Gateway, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`modgate ARGUMENTS` on the gateway's data directory; it does not outlive the test."""
    with _run([*arguments, "--data", str(gateway.data)], gateway.home) as process:
        try:
            yield process
        finally:
            process.kill()


def run(gateway: Gateway, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same, to its end."""
    return _done(_run([*arguments, "--data", str(gateway.data)], gateway.home))


def alone(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`modgate ARGUMENTS` where no gateway runs."""
    return _done(_run([*arguments, "--data", str(home / "data")], home))


def _run(arguments: Sequence[str], home: Path) -> subprocess.Popen[str]:
    environ = {**without_settings(os.environ), "HOME": str(home), "GOENV": "off", "MODGATE_CHECKSUM": "off"}
    upstream = [] if "--upstream" in arguments else ["--upstream", "https://a.example"]
    return subprocess.Popen(
        [str(PROGRAM), *arguments, *upstream],
        env=environ,
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _done(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    with process:
        output, errors = process.communicate(timeout=SECONDS)
    assert "Traceback" not in errors
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

"""The `modgate` command as its users run it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

MODGATE = Path(sys.executable).with_name("modgate")

SECONDS = 60
"""No command here takes one; a machine that is busy with other tests may."""


def run(
    *arguments: str, environ: Mapping[str, str] | None = None, directory: Path = Path("/")
) -> subprocess.CompletedProcess[str]:
    """Run it in an environment that says nothing about Go or modgate but `environ`."""
    clean = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "MODGATE_DATA": "/tmp/modgate", "LC_ALL": "C"}
    return subprocess.run(
        [str(MODGATE), *arguments],
        env={**clean, **(environ or {})},
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

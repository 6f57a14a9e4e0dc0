"""What this machine's Go is set to: the defaults of modgate where nothing else is said.

Belongs here: asking the environment and `go env`. Not here: what GOPROXY and the like mean (gomod/).
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping

import msgspec

NAMES = ("GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY")

TIMEOUT = 5.0
"""Seconds. `go env` takes 20 ms; a home directory on a dead network file system should not hang the start for ever."""


def read_go_env(environ: Mapping[str, str]) -> dict[str, str]:
    """`go env` of NAMES, or nothing where there is no `go` or it does not answer: it is a source of defaults only."""
    command = shutil.which("go", path=environ.get("PATH"))
    if command is None:
        return {}
    # No go.mod or go.work of the current directory may choose a toolchain, which go would then try to download.
    neutral = {**environ, "GOFLAGS": "", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    try:
        done = subprocess.run(
            [command, "env", "-json", *NAMES], cwd="/", env=neutral, capture_output=True, timeout=TIMEOUT, check=True
        )
        return msgspec.json.decode(done.stdout, type=dict[str, str])
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError):
        return {}

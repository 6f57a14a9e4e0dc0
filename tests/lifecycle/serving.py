"""`modgate serve` started by hand: exactly these arguments, this environment and this directory."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.command import MODGATE
from tests.world import Response, eventually, get


@dataclass(frozen=True)
class Serving:
    """One that runs."""

    process: subprocess.Popen[str]
    ready: dict[str, Any]
    output: Path

    @property
    def url(self) -> str:
        return str(self.ready["listen"])

    def get(self, path: str) -> Response:
        return get(f"{self.url}/{path}")

    def said(self) -> str:
        """What it wrote so far."""
        return self.output.read_text()


@contextmanager
def serving(home: Path, *arguments: str, **environ: str) -> Iterator[Serving]:
    """Start it in the directory `home`, which is its home directory too, and end it with SIGTERM."""
    ready, output = home / "ready.json", home / "output.log"
    ready.unlink(missing_ok=True)
    home_of_go = {"HOME": str(home), "GOSUMDB": "off"}  # nothing here is in the public database
    given = {"PATH": "/usr/bin:/bin", "MODGATE_READY_FILE": str(ready), "LC_ALL": "C", **home_of_go, **environ}
    with output.open("w") as log:
        process = subprocess.Popen(
            [str(MODGATE), "serve", *arguments], env=given, cwd=home, stdout=log, stderr=log, text=True
        )
    try:
        eventually(lambda: ready.exists() or process.poll() is not None, "it started", within=30)
        assert process.poll() is None, output.read_text()
        yield Serving(process, json.loads(ready.read_text()), output)
    finally:
        process.terminate()
        status = process.wait(30)
    assert status == 0, output.read_text()
    assert "Traceback" not in output.read_text()

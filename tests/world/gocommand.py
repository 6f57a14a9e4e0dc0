"""The real go command, as a developer's machine runs it: fresh, and with nothing of this machine's settings.

Belongs here: its environment, running it, projects for it. Not here: where it comes from (tests/toolchain.py).
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.toolchain import CACHE, go_command

RUN_SECONDS = 100.0
"""For one command; the slowest downloads a toolchain of 70 MB, or builds the standard library."""


class Go:
    """A developer who has never built anything. `home` is a directory that does not exist yet."""

    def __init__(self, home: Path, proxy: str, *, sumdb: str = "off", version: str = "", **environ: str) -> None:
        """`proxy` and `sumdb` are GOPROXY and GOSUMDB, `version` chooses the go command, `environ` wins over all.

        `version` is as for `go_command`.
        """
        self.home = home
        self.command = go_command(version)
        home.mkdir(parents=True)
        self.module_cache = home / "modcache"
        # What is compiled is kept for all tests; it never saves anybody from asking for a module.
        CACHE.mkdir(exist_ok=True)
        self._environ = {
            "PATH": f"{self.command.parent}:/usr/bin:/bin",
            "HOME": str(home),
            "GOENV": "off",
            "GOPROXY": proxy,
            "GOSUMDB": sumdb,
            "GOMODCACHE": str(self.module_cache),
            "GOPATH": str(home / "gopath"),
            "GOCACHE": str(CACHE / "go-build"),
            "GOFLAGS": "-modcacherw",
            "GOTOOLCHAIN": "local",
            "GOVCS": "*:off",
            "GOWORK": "off",
            "CGO_ENABLED": "0",
            **environ,
        }
        # Go's telemetry would go on writing below the home directory after the command has ended.
        telemetry = home / ".config/go/telemetry/mode"
        telemetry.parent.mkdir(parents=True)
        telemetry.write_text("off")

    def tries(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run `go` with these arguments, and see what happens."""
        return subprocess.run(
            [str(self.command), *arguments],
            cwd=cwd or self.home,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )

    def run(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run `go`, which has to succeed; what it printed."""
        done = self.tries(*arguments, cwd=cwd)
        assert done.returncode == 0, f"go {' '.join(arguments)}: status {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def fails(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run `go`, which has to fail; what it says about it."""
        done = self.tries(*arguments, cwd=cwd)
        assert done.returncode != 0, f"go {' '.join(arguments)} should have failed:\n{done.stdout}{done.stderr}"
        return done.stderr

    def project(self, name: str, files: Mapping[str, str]) -> Path:
        """A folder with these files, go.mod of module `example.com/<name>` besides if there is none."""
        folder = self.home / name
        for path, text in {"go.mod": f"module example.com/{name}\n\ngo 1.21\n", **files}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        return folder

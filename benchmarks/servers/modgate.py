"""modgate itself: default settings, but for what a measurement needs."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.servers import Certificate, empty

PROGRAM = Path(sys.executable).parent / "modgate"


@dataclass(frozen=True, slots=True)
class Modgate:
    """`modgate serve` on a store; several can share one."""

    name: str
    store: Path
    upstream: str
    access_log: Path | None = None
    """A file; None: no access log."""
    workers: int = 1
    certificate: Certificate | None = None
    checksum: str = "off"
    """The checksum database that is passed through, as GOSUMDB."""
    settings: tuple[str, ...] = ()
    """More of them, as `--set` takes them."""

    @property
    def secure(self) -> bool:
        """Whether it speaks TLS."""
        return self.certificate is not None

    def command(self, port: int) -> list[str]:
        """The admin port has no part in what is measured."""
        given = {
            "listen": f"127.0.0.1:{port}",
            "admin": "off",
            "data": str(self.store),
            "upstream": self.upstream,
            "checksum": self.checksum,
            "access-log": str(self.access_log or "off"),
        }
        if self.certificate is not None:
            given |= {"tls-cert": str(self.certificate.chain), "tls-key": str(self.certificate.key)}
        if self.workers > 1:
            given["workers"] = str(self.workers)
        flags = [f"--{name}={value}" for name, value in given.items()]
        return [str(PROGRAM), "serve", *flags, *(f"--set={setting}" for setting in self.settings)]

    def environ(self) -> dict[str, str]:
        """Nothing of this machine's settings."""
        return {"PATH": os.environ.get("PATH", ""), "HOME": str(self.store.parent)}

    def tidy(self) -> None:
        """Its access log is emptied."""
        empty(self.access_log)


def has_workers() -> bool:
    """Whether this modgate can have more than one worker process."""
    done = subprocess.run([str(PROGRAM), "serve", "--help"], capture_output=True, text=True, check=False)
    return "--workers" in done.stdout

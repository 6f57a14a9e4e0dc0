"""modgate itself: one process, default settings, but for what a measurement needs."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(sys.executable).parent / "modgate"


@dataclass(frozen=True, slots=True)
class Modgate:
    """`modgate serve` on a store; several can share one."""

    name: str
    store: Path
    upstream: str
    access_log: Path | None = None
    """A file; None: no access log."""

    def command(self, port: int) -> list[str]:
        """The admin port and the checksum database have no part in what is measured."""
        given = {
            "listen": f"127.0.0.1:{port}",
            "admin": "off",
            "data": str(self.store),
            "upstream": self.upstream,
            "checksum": "off",
            "access-log": str(self.access_log or "off"),
        }
        return [str(PROGRAM), "serve", *(f"--{name}={value}" for name, value in given.items())]

    def environ(self) -> dict[str, str]:
        """Nothing of this machine's settings."""
        return {"PATH": os.environ.get("PATH", ""), "HOME": str(self.store.parent)}

    def tidy(self) -> None:
        """Empty the access log: at full speed it grows by 30 MB a second, and the disk would have its say."""
        if self.access_log is not None and self.access_log.exists():
            os.truncate(self.access_log, 0)

"""What the operator reads at the start, and what a supervisor may read instead.

Belongs here: the block of text, and the file that names the ports. Not here: logs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from modgate.observe.complaints import StandardError

READY_FILE = "MODGATE_READY_FILE"
"""Environment variable that names a file: it is written, in one step, when the ports are open. With port 0 this is how
a program learns which ones were taken."""


@dataclass(frozen=True, slots=True)
class Banner:
    """Where a gateway listens, and what it does; nothing in it is secret."""

    version: str
    urls: Sequence[str]
    admin: Sequence[str]
    data: str
    upstream: str
    databases: Sequence[str]

    @property
    def client_url(self) -> str:
        """The address for a client on this machine."""
        return reachable(self.urls[0])

    def text(self) -> str:
        """The block."""
        rows = [
            ("listening", "  ".join(self.urls)),
            ("admin", "  ".join(self.admin) or "off"),
            ("storing in", self.data),
            ("upstream", self.upstream),
            ("checksums", " ".join(self.databases) or "off"),
            ("to use it", f"go env -w GOPROXY={self.client_url}"),
        ]
        return "\n".join([f"modgate {self.version}", *(f"  {name:<11} {value}" for name, value in rows), ""])

    def ready(self) -> dict[str, str | int | None]:
        """The content of the ready file."""
        admin = reachable(self.admin[0]) if self.admin else None
        return {"listen": self.client_url, "admin": admin, "pid": os.getpid()}


def announce(banner: Banner) -> None:
    """Write the block to the standard error, and the ready file if one is asked for."""
    with closing(StandardError()) as out:
        out.write(banner.text())
    name = os.environ.get(READY_FILE)
    if name:
        fresh = Path(f"{name}.new")
        fresh.write_text(json.dumps(banner.ready()))
        fresh.replace(name)


def reachable(url: str) -> str:
    """A wildcard address is one to listen on, not one to connect to."""
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")

"""Who is measured: one file for each server.

Belongs here: how a server is started on a store and a port. Not here: what it is asked (scenarios/). Another server
comes in as a command in BENCH_PEERS (peer.py), or as a class with the methods of `Server` and a line in ../stage.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files."""

    chain: Path
    key: Path


class Server(Protocol):
    """Something that serves modules on a port of the loopback address."""

    @property
    def name(self) -> str:
        """As it stands in the table."""

    @property
    def secure(self) -> bool:
        """Whether it speaks TLS."""

    def command(self, port: int) -> list[str]:
        """How it is started, once everything that it needs has been written."""

    def environ(self) -> dict[str, str]:
        """Its whole environment."""

    def tidy(self) -> None:
        """Called between two measurements."""


def empty(log: Path | None) -> None:
    """Empty an access log: at full speed it grows by 30 MB a second, and the disk would have its say."""
    if log is not None and log.exists():
        with log.open("r+b") as file:
            file.truncate()

"""Who is measured: one file for each server.

Belongs here: how a server is started on a store and a port. Not here: what it is asked (scenarios/). Another server
comes in as a class with the methods of `Server`, and one line in ../__main__.py.
"""

from __future__ import annotations

from typing import Protocol


class Server(Protocol):
    """Something that serves modules on a port of the loopback address."""

    @property
    def name(self) -> str:
        """As it stands in the table."""

    def command(self, port: int) -> list[str]:
        """How it is started, once everything that it needs has been written."""

    def environ(self) -> dict[str, str]:
        """Its whole environment."""

    def tidy(self) -> None:
        """Called between two measurements."""

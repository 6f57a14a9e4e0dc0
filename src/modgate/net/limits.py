"""How long and how much: the bounds of one outbound request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds. Each counts for one upstream, so that a chain moves on when one of its members hangs."""

    connect: float = 5.0
    """To a TCP and TLS connection."""
    first_byte: float = 15.0
    """From sending the request to the status line; longer means that the upstream hangs."""
    idle: float = 30.0
    """Between two pieces of a body."""
    total: float = 600.0
    """For a whole zip: 500 MiB at 1 MB/s."""
    total_small: float = 60.0
    """For a whole list, .info or .mod."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one origin may cost."""

    per_host: int = 64
    """Requests at once to one host: more than a go command has in flight, less than a mirror takes for an attack."""
    redirects: int = 10
    """Hops, as in the go command (protocol.md §1.1)."""
    header_bytes: int = 32768
    """All header lines of a response."""

"""Checks: functions from a complete artifact to its evidence, or an error. A checksum database is one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from modgate.source.base import Ask


@dataclass(frozen=True, slots=True)
class Complete:
    """An artifact whose last byte has come, whose form has been checked, and which nobody has seen the end of yet."""

    ask: Ask
    size: int
    sha256: str
    h1: str
    """"" for .info."""
    source: str


Check = Callable[[Complete], Awaitable[str]]
"""Returns its evidence as a JSON object, or "". Raises Corrupt if the artifact is not what it should be, Unavailable if
that could not be found out; either way nothing is committed."""

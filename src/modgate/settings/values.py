"""Durations, sizes and names as people write them: `500ms`, `3h`, `30d`, `500MiB`. Pure functions of text.

A plain number is in the base unit (seconds, bytes). There is one unit in a text: `1h30m` is not taken, because `90m`
says the same and needs no rules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from modgate.errors import Malformed

MINUTE = 60.0
HOUR = 3600.0
DAY = 86400.0
KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""Of a table that has one: as the labels of host names (RFC 1123 §2.1), in lower case."""


@dataclass(frozen=True, slots=True)
class Span:
    """Marks a duration in seconds and bounds it, both ends included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Size:
    """Marks a number of bytes and bounds it, both ends included."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Count:
    """Marks a plain whole number and bounds it, both ends included."""

    low: int
    high: int


_SECONDS = {"ms": 0.001, "s": 1.0, "m": MINUTE, "h": HOUR, "d": DAY}
_BYTES = {"B": 1, "KiB": KIB, "MiB": MIB, "GiB": GIB}
# Nine digits hold every bound of the model in its smallest unit; more are a slip, and cost no arithmetic.
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(ms|s|m|h|d)?", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,15}) ?(B|KiB|MiB|GiB)?", re.ASCII)


def parse_duration(text: str) -> float:
    """Seconds of `60`, `0.5`, `500ms`, `60s`, `10m`, `3h` or `30d`.

    Raises:
        Malformed: anything else.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise Malformed("duration", text, "write a number and one of ms, s, m, h, d, such as 60s")
    return float(found[1]) * _SECONDS[found[2] or "s"]


def parse_size(text: str) -> int:
    """Bytes of `1024`, `16KiB`, `500MiB` or `10GiB`.

    Raises:
        Malformed: anything else; also `MB`, which some read as 1000 and some as 1024 KiB.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise Malformed("size", text, "write a whole number and one of B, KiB, MiB, GiB, such as 500MiB")
    return int(found[1]) * _BYTES[found[2] or "B"]


def format_duration(seconds: float) -> str:
    """The shortest text that `parse_duration` reads as `seconds`: `3h`, `0.5s`, `0s`."""
    if seconds:
        for unit in ("d", "h", "m"):
            if seconds % _SECONDS[unit] == 0:
                return f"{seconds / _SECONDS[unit]:.0f}{unit}"
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


def format_size(size: int) -> str:
    """The shortest text that `parse_size` reads as `size`: `500MiB`, `1000B`."""
    if size:
        for unit in ("GiB", "MiB", "KiB"):
            if size % _BYTES[unit] == 0:
                return f"{size // _BYTES[unit]}{unit}"
    return f"{size}B"

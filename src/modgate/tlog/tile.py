"""Tiles: their coordinates, and the one spelling of each (protocol.md §5.1).

tile/<height>/<level>/<number>[.p/<width>]      level "data" holds the records themselves
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from modgate.errors import Malformed

HASH_BYTES = 32
PATTERN = re.compile(r"tile/(\d{1,2})/(data|\d{1,2})/((?:x\d{3}/){0,6}\d{3})(?:\.p/(\d{1,10}))?")
DATA = -1
"""The level of data tiles."""


@dataclass(frozen=True, slots=True)
class Tile:
    """The hashes of nodes number·2^height … + width - 1 at level height·level."""

    height: int
    """1 to 30; Go uses 8."""
    level: int
    """0 to 63, or DATA."""
    number: int
    width: int
    """1 to 2^height; less than that is a partial tile."""

    @property
    def size(self) -> int | None:
        """In bytes; None for a data tile."""
        return None if self.level == DATA else self.width * HASH_BYTES

    @property
    def path(self) -> str:
        level = "data" if self.level == DATA else str(self.level)
        groups = f"{self.number % 1000:03d}"
        rest = self.number // 1000
        while rest:
            groups = f"x{rest % 1000:03d}/{groups}"
            rest //= 1000
        partial = f".p/{self.width}" if self.width < 1 << self.height else ""
        return f"tile/{self.height}/{level}/{groups}{partial}"


def parse_tile(path: str) -> Tile:
    """The tile of a path.

    Raises:
        Malformed: it is not the one spelling of a tile: the tile is written again and compared.
    """
    match = PATTERN.fullmatch(path)
    if match is None or not path.isascii():
        raise Malformed("tile", path, "it is not tile/<height>/<level>/<number>[.p/<width>]")
    height, level, groups, width = match.groups()
    number = int(groups.replace("/", "").replace("x", ""))
    tile = Tile(int(height), DATA if level == "data" else int(level), number, int(width) if width else 1 << int(height))
    if not (1 <= tile.height <= 30 and tile.level <= 63 and 1 <= tile.width <= 1 << tile.height) or tile.path != path:
        raise Malformed("tile", path, "it is not the one canonical spelling of a tile")
    return tile

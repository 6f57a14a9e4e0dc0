"""A log in memory: its stored hashes, written with modgate's own code and read back by index."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from modgate.tlog.hashes import record_hash, stored_hashes_for_record
from modgate.tlog.proofs import tree_hash
from modgate.tlog.tile import Tile
from modgate.tlog.tiling import tile_data
from modgate.tlog.tree import Head


class StoredHashes:
    """The stored hashes of the records that `text` makes of their numbers."""

    def __init__(self, size: int, text: Callable[[int], str] = "leaf {}".format) -> None:
        self.hashes: list[bytes] = []
        for number in range(size):
            leaf = record_hash(text(number).encode())
            self.hashes += stored_hashes_for_record(number, leaf, self.read)

    def read(self, indexes: Sequence[int]) -> list[bytes]:
        return [self.hashes[index] for index in indexes]

    def head(self, size: int) -> Head:
        return Head(size, tree_hash(size, self.read))

    def tiles(self, tiles: Sequence[Tile]) -> dict[Tile, bytes]:
        return {tile: tile_data(tile, self.read) for tile in tiles}

"""Which tile holds which hash (protocol.md §5.3).

A tile of height H at level L holds the hashes of nodes of level H·L; the hashes of the H-1 levels above them, up to the
entries of the next level's tiles, are computed from it.
"""

from __future__ import annotations

from modgate.errors import Malformed
from modgate.tlog.hashes import HASH_BYTES, ReadHashes, split_stored_hash_index, stored_hash_index, subtree_hash
from modgate.tlog.tile import Tile


def tile_for_index(height: int, index: int) -> Tile:
    """The narrowest tile from which the hash at `index` can be computed."""
    tile, _, end = _place(height, index)
    return Tile(height, tile.level, tile.number, end)


def tile_in_tree(height: int, level: int, number: int, size: int) -> Tile | None:
    """The tile at this place, as wide as a tree of `size` records makes it; None if it does not exist yet."""
    width = min((size >> (height * level)) - (number << height), 1 << height)
    return Tile(height, level, number, width) if width > 0 else None


def hash_from_tile(tile: Tile, data: bytes, index: int) -> bytes:
    """The stored hash `index`, computed from a tile that holds it.

    Raises:
        Malformed: the data are not as long as the tile.
        ValueError: the tile does not hold it.
    """
    if len(data) != tile.size:
        raise Malformed("tile", tile.path, f"it has {len(data)} bytes, not {tile.size}")
    place, start, end = _place(tile.height, index)
    if (tile.level, tile.number) != (place.level, place.number) or end > tile.width:
        raise ValueError(f"the hash {index} is not in {tile.path}")
    return subtree_hash(entries(data[start * HASH_BYTES : end * HASH_BYTES]))


def entries(data: bytes) -> list[bytes]:
    """The hashes in a tile's data."""
    return [data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES)]


def new_tiles(height: int, old_size: int, size: int) -> list[Tile]:
    """The tiles that a log publishes when it grows: all that are new or wider, without the widths between."""
    tiles: list[Tile] = []
    level = 0
    while size >> (height * level):
        old, new = old_size >> (height * level), size >> (height * level)
        if old != new:
            numbers = range(old >> height, (new - 1 >> height) + 1)
            tiles += [tile for n in numbers if (tile := tile_in_tree(height, level, n, size)) is not None]
        level += 1
    return tiles


def tile_indexes(tile: Tile) -> list[int]:
    """Where the hashes of a tile are stored."""
    first = tile.number << tile.height
    return [stored_hash_index(tile.height * tile.level, number) for number in range(first, first + tile.width)]


def tile_data(tile: Tile, read: ReadHashes) -> bytes:
    """The content of a tile of hashes."""
    return b"".join(read(tile_indexes(tile)))


def _place(height: int, index: int) -> tuple[Tile, int, int]:
    """The full tile that holds a hash, and the entries from and up to which the hash is computed."""
    level, number = split_stored_hash_index(index)
    tile_level, within = divmod(level, height)
    start = number << within
    tile = Tile(height, tile_level, start >> height, 1 << height)
    first = start - (tile.number << height)
    return tile, first, first + (1 << within)

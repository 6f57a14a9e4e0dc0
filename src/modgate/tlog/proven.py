"""A tree whose hashes are believed only after they were checked against its signed head.

The tiles at a tree's right edge are partial; together they give the root. Every other tile is full, and its hash is an
entry of the tile above it. So whoever believes the head can prove each tile, whoever delivered it.

It asks nobody (sans-io): it says which tiles are missing, in any number at once, and takes them as they come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from modgate.errors import Unproven
from modgate.tlog.hashes import split_stored_hash_index, stored_hash_count, stored_hash_index, subtree_hash
from modgate.tlog.proofs import tree_hash
from modgate.tlog.tile import Tile
from modgate.tlog.tiling import entries, hash_from_tile, tile_in_tree
from modgate.tlog.tree import Head

HEIGHT = 8
"""Of the tiles that the go command uses."""


class ProvenTree:
    """The proven tiles of one tree; it only gains more."""

    def __init__(self, head: Head, height: int = HEIGHT) -> None:
        """`head` is believed: whoever makes this has verified its signature."""
        self.head = head
        self._height = height
        self._tiles: dict[Tile, bytes] = {}
        self._edge = _edge(head.size, height)
        self._edge_proven = False

    def __len__(self) -> int:
        """How many tiles it holds; a full one is 8 KB."""
        return len(self._tiles)

    def __contains__(self, tile: Tile) -> bool:
        return tile in self._tiles

    def data(self, tile: Tile) -> bytes:
        """The content of a tile that was proven."""
        return self._tiles[tile]

    def missing(self, indexes: Iterable[int]) -> list[Tile]:
        """The tiles without which the stored hashes `indexes` cannot be proven, those above before those below.

        Raises:
            ValueError: the tree has no such hash.
        """
        wanted: dict[Tile, None] = {} if self._edge_proven else dict.fromkeys(self._edge)
        for index in indexes:
            below: list[Tile] = []
            tile = self._holding(index)
            while tile not in self._tiles and tile not in wanted:
                below.append(tile)
                tile = self._above(tile)
            wanted.update(dict.fromkeys(reversed(below)))
        return list(wanted)

    def prove(self, tiles: Mapping[Tile, bytes]) -> None:
        """Take those of the tiles that fit the head, with the edge first if it is not proven yet.

        Raises:
            Unproven: some do not fit; the good ones are taken. `suspects` has the paths of those that are wrong, or of
                the whole edge, since it cannot be said which part of it is wrong.
            ValueError: the tiles above these are not here.
        """
        if not self._edge_proven:
            self._prove_edge(tiles)
        wrong: dict[Tile, None] = {}
        unknown: set[Tile] = set()  # below a wrong tile nothing can be said: it is asked for again
        for tile in sorted(tiles.keys() - self._tiles.keys(), key=lambda tile: (-tile.level, tile.number)):
            above = self._above(tile)
            if above in wrong or above in unknown:
                unknown.add(tile)
            elif self._fits(tile, tiles[tile], above):
                self._tiles[tile] = tiles[tile]
            else:
                wrong[tile] = None
        if wrong:
            paths = tuple(tile.path for tile in wrong)
            raise Unproven("tiles", f"{' and '.join(paths)} do not hash to what is above them", paths)

    def hashes(self, indexes: Sequence[int]) -> list[bytes]:
        """The proven hashes; nothing of `missing(indexes)` may be missing any more."""
        held = [self._holding(index) for index in indexes]
        return [hash_from_tile(tile, self._tiles[tile], index) for tile, index in zip(held, indexes, strict=True)]

    def root_of(self, size: int) -> bytes:
        """The root that the tree had at `size` records; nothing of `missing(root_indexes(size))` may be missing."""
        return tree_hash(size, self.hashes)

    def adopt(self, older: ProvenTree) -> None:
        """Take over the full tiles of a tree that this one has grown from. Those of records stay behind: there are as
        many of them as asks, and one serves hardly ever twice.

        Raises:
            Unproven: it has not grown from that one.
        """
        if self.root_of(older.head.size) != older.head.root:
            raise Unproven("tree", "the older one is not the beginning of the newer one")
        full = 1 << self._height
        self._tiles |= {tile: data for tile, data in older._tiles.items() if tile.width == full and tile.level > 0}

    def lean(self) -> ProvenTree:
        """The same tree without the tiles of records."""
        tree = ProvenTree(self.head, self._height)
        full = 1 << self._height
        tree._tiles = {tile: data for tile, data in self._tiles.items() if tile.level > 0 or tile.width < full}
        tree._edge_proven = self._edge_proven
        return tree

    def _prove_edge(self, tiles: Mapping[Tile, bytes]) -> None:
        edge = {tile: tiles[tile] for tile in self._edge if tile in tiles}
        if len(edge) < len(self._edge):
            raise ValueError("the edge of the tree is proven as a whole, and before anything else")
        paths = tuple(tile.path for tile in edge)
        short = tuple(tile.path for tile, data in edge.items() if len(data) != tile.size)
        if short:
            raise Unproven("tiles", f"{' and '.join(short)} have not the length of their tiles", short)
        by_level = {tile.level: (tile, data) for tile, data in edge.items()}

        def read(indexes: Sequence[int]) -> list[bytes]:
            levels = [split_stored_hash_index(index)[0] // self._height for index in indexes]
            return [hash_from_tile(*by_level[level], index) for level, index in zip(levels, indexes, strict=True)]

        if tree_hash(self.head.size, read) != self.head.root:
            raise Unproven("tiles", f"{' and '.join(paths)} do not hash to the root of {self.head.size} records", paths)
        self._tiles |= edge
        self._edge_proven = True

    def _fits(self, tile: Tile, data: bytes, above: Tile) -> bool:
        if above not in self._tiles:
            raise ValueError(f"{above.path} is needed to prove {tile.path}")
        index = stored_hash_index(above.level * self._height, tile.number)
        return len(data) == tile.size and subtree_hash(entries(data)) == hash_from_tile(
            above, self._tiles[above], index
        )

    def _holding(self, index: int) -> Tile:
        """The tile that a hash is computed from, as wide as it is in this tree."""
        if not 0 <= index < stored_hash_count(self.head.size):
            raise ValueError(f"a tree of {self.head.size} records has no hash {index}")
        level, number = split_stored_hash_index(index)
        tile_level, within = divmod(level, self._height)
        tile = tile_in_tree(self._height, tile_level, (number << within) >> self._height, self.head.size)
        assert tile is not None, "a hash that exists is in a tile that exists"
        return tile

    def _above(self, tile: Tile) -> Tile:
        """The tile that has a full tile's hash; partial tiles are the edge, and nothing is above them."""
        above = tile_in_tree(self._height, tile.level + 1, tile.number >> self._height, self.head.size)
        if tile.width < 1 << self._height or above is None:
            raise ValueError(f"{tile.path} is not a full tile of a tree of {self.head.size} records")
        return above


def _edge(size: int, height: int) -> list[Tile]:
    """The partial tiles of a tree, the highest level first."""
    levels = range(size.bit_length() // height, -1, -1)
    tiles = (tile_in_tree(height, level, size >> (height * (level + 1)), size) for level in levels)
    return [tile for tile in tiles if tile is not None]

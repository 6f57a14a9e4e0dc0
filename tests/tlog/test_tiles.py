"""A tile has one spelling, and holds the hashes that it should."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.errors import Malformed
from modgate.tlog.hashes import stored_hash_index
from modgate.tlog.tile import DATA, Tile, parse_tile
from modgate.tlog.tiling import hash_from_tile, new_tiles, tile_data, tile_for_index, tile_in_tree
from tests.tlog.stored import StoredHashes

tiles = st.integers(1, 30).flatmap(
    lambda height: st.builds(
        Tile, st.just(height), st.integers(DATA, 63), st.integers(0, 10**18), st.integers(1, 1 << height)
    )
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(8, 0, 1234067, 256), "tile/8/0/x001/x234/067"),
        (Tile(4, 0, 1, 16), "tile/4/0/001"),
        (Tile(4, 0, 1, 5), "tile/4/0/001.p/5"),
        (Tile(3, 5, 123456078, 8), "tile/3/5/x123/x456/078"),
        (Tile(3, 5, 123456078, 2), "tile/3/5/x123/x456/078.p/2"),
        (Tile(1, 0, 3, 2), "tile/1/0/003"),
        (Tile(3, DATA, 500, 8), "tile/3/data/500"),
    ],
)
def test_a_tile_has_its_path(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert parse_tile(path) == tile


@given(tiles)
def test_paths_lead_back_to_their_tiles(tile: Tile) -> None:
    assert parse_tile(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/8/0/1",
        "tile/8/0/x001/234/567",
        "tile/8/0/001/234",
        "tile/8/0/x001/x234",
        "tile/8/0/x000/001",
        "tile/8/0/001.p/0",
        "tile/8/0/001.p/256",
        "tile/8/0/001.p/01",
        "tile/8/0/001.p",
        "tile/0/0/000",
        "tile/31/0/000",
        "tile/8/64/000",
        "tile/8/-1/000",
        "tile/08/0/000",
        "tile/8/0/000/",
        "/tile/8/0/000",
        "tile/8/0/\u0661\u0661\u0661",
        "tile/8/0/000\n",
    ],
)
def test_any_other_spelling_is_refused(path: str) -> None:
    with pytest.raises(Malformed):
        parse_tile(path)


@given(st.text(max_size=30) | st.from_regex(r"tile/[0-9]{1,2}/(data|[0-9]{1,2})/[x0-9./p]{1,20}", fullmatch=True))
def test_garbage_is_malformed_or_the_one_spelling(path: str) -> None:
    try:
        tile = parse_tile(path)
    except Malformed:
        return
    assert tile.path == path


def paths(old: int, new: int) -> list[str]:
    return [tile.path.removeprefix("tile/8/") for tile in new_tiles(8, old, new)]


def test_a_growing_log_publishes_the_tiles_that_changed() -> None:
    assert paths(255, 257) == ["0/000", "0/001.p/1", "1/000.p/1"]
    assert paths(0, 1) == ["0/000.p/1"]
    assert paths(0, 0) == paths(7, 7) == []
    assert paths(256, 512) == ["0/001", "1/000.p/2"]
    everything = paths(0, 70000)
    assert len(everything) == 274 + 2 + 1
    assert everything[-5:] == ["0/272", "0/273.p/112", "1/000", "1/001.p/17", "2/000.p/1"]


@given(st.integers(1, 10), st.integers(0, 1 << 40))
def test_a_hash_lies_in_the_narrowest_tile_that_gives_it(height: int, index: int) -> None:
    tile = tile_for_index(height, index)
    if tile.width > 1:
        with pytest.raises(ValueError, match="is not in"):
            hash_from_tile(Tile(height, tile.level, tile.number, tile.width - 1), bytes(32 * (tile.width - 1)), index)


@given(st.integers(1, 10), st.integers(0, 11), st.data())
def test_every_hash_is_computed_from_every_width_of_its_tile(
    log: StoredHashes, height: int, level: int, data: st.DataObject
) -> None:
    number = data.draw(st.integers(0, (3000 >> level) - 1))
    index = stored_hash_index(level, number)
    narrowest = tile_for_index(height, index)
    widest = tile_in_tree(height, narrowest.level, narrowest.number, 3000)
    assert widest is not None
    width = data.draw(st.integers(narrowest.width, widest.width))
    tile = Tile(height, narrowest.level, narrowest.number, width)
    assert hash_from_tile(tile, tile_data(tile, log.read), index) == log.hashes[index]


def test_a_cut_tile_gives_no_hash(log: StoredHashes) -> None:
    tile = Tile(8, 0, 0, 256)
    with pytest.raises(Malformed, match="8191 bytes"):
        hash_from_tile(tile, tile_data(tile, log.read)[:-1], 0)

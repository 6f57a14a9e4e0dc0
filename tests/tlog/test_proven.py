"""Whatever is read from tiles was proven against the signed head, whoever delivered the tiles."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modgate.errors import Unproven
from modgate.tlog.hashes import record_hash, stored_hash_count, stored_hash_index
from modgate.tlog.proofs import check_tree, prove_tree, root_indexes
from modgate.tlog.proven import ProvenTree
from modgate.tlog.tile import Tile, parse_tile
from modgate.tlog.tree import Head
from tests.tlog.stored import StoredHashes

sizes = st.integers(1, 3000)
heights = st.sampled_from([1, 2, 3, 8])


def proven(log: StoredHashes, size: int, indexes: list[int], height: int = 8) -> ProvenTree:
    tree = ProvenTree(log.head(size), height)
    tree.prove(log.tiles(tree.missing(indexes)))
    return tree


@given(sizes, heights, st.data())
def test_any_hash_of_any_tree_is_read_from_its_tiles(
    log: StoredHashes, size: int, height: int, data: st.DataObject
) -> None:
    indexes = data.draw(st.lists(st.integers(0, stored_hash_count(size) - 1), max_size=5))
    tree = proven(log, size, indexes, height)
    assert tree.missing(indexes) == []
    assert tree.hashes(indexes) == log.read(indexes)


def test_every_historic_width_proves_the_whole_history(log: StoredHashes) -> None:
    for size in [*range(1, 3000, 37), 255, 256, 257, 511, 512, 513, 2816, 3000]:
        for old in {1, size // 3, size // 256 * 256, size - 1} & set(range(1, size + 1)):
            number = old - 1
            tree = proven(log, size, [*root_indexes(old), stored_hash_index(0, number)])
            assert tree.root_of(old) == log.head(old).root
            assert tree.hashes([stored_hash_index(0, number)]) == [record_hash(f"leaf {number}".encode())]


@given(sizes, st.data())
@settings(max_examples=60)
def test_a_wrong_bit_in_any_tile_is_noticed_and_its_tile_is_suspected(
    log: StoredHashes, size: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, stored_hash_count(size) - 1))
    tree = ProvenTree(log.head(size), data.draw(heights))
    tiles = log.tiles(tree.missing([index]))
    bad = data.draw(st.sampled_from(list(tiles)))
    at = data.draw(st.integers(0, len(tiles[bad]) - 1))
    flipped = bytes([tiles[bad][at] ^ 1])
    with pytest.raises(Unproven) as caught:
        tree.prove({**tiles, bad: tiles[bad][:at] + flipped + tiles[bad][at + 1 :]})
    assert bad.path in caught.value.suspects
    assert bad not in tree

    # What is missing now is enough, and its good delivery heals.
    tree.prove(log.tiles(tree.missing([index])))
    assert tree.hashes([index]) == log.read([index])


@pytest.mark.parametrize("data", [b"", b"<html>", bytes(32), bytes(8191), bytes(8193)])
@pytest.mark.parametrize("path", ["tile/8/0/002", "tile/8/1/000.p/11", "tile/8/0/011.p/184"])
def test_a_tile_of_the_wrong_length_is_refused(log: StoredHashes, path: str, data: bytes) -> None:
    tree = ProvenTree(log.head(3000))
    tiles = log.tiles(tree.missing([stored_hash_index(0, 600)]))
    assert parse_tile(path) in tiles
    with pytest.raises(Unproven) as caught:
        tree.prove({**tiles, parse_tile(path): data})
    assert path in caught.value.suspects


def test_what_lies_below_a_wrong_tile_is_not_suspected_and_not_believed(log: StoredHashes) -> None:
    tree = ProvenTree(log.head(3000), 2)
    tiles = log.tiles(tree.missing([0]))
    wrong = max((tile for tile in tiles if tile.width == 4), key=lambda tile: tile.level)
    with pytest.raises(Unproven) as caught:
        tree.prove({**tiles, wrong: bytes(128)})
    assert caught.value.suspects == (wrong.path,)
    assert Tile(2, 0, 0, 4) not in tree


def test_a_false_root_fits_no_tiles(log: StoredHashes) -> None:
    tree = ProvenTree(replace(log.head(300), root=bytes(32)))
    with pytest.raises(Unproven):
        tree.prove(log.tiles(tree.missing([])))


def test_an_empty_tree_needs_no_tiles() -> None:
    tree = ProvenTree(Head(0, ProvenTree(Head(0, b"")).root_of(0)))
    assert tree.missing([]) == []
    tree.prove({})
    with pytest.raises(ValueError, match="no hash 0"):
        tree.missing([0])


def test_a_tree_that_grew_keeps_what_it_had_proven(log: StoredHashes) -> None:
    indexes = [stored_hash_index(0, 5)]
    older = proven(log, 1000, indexes, 2)
    newer = proven(log, 3000, root_indexes(1000), 2)
    newer.adopt(older)
    full = {tile for tile in log.tiles(ProvenTree(log.head(1000), 2).missing(indexes)) if tile.width == 4}
    assert {tile for tile in full if tile.level > 0} <= {tile for tile in full if tile in newer}
    newer.prove(log.tiles(newer.missing(indexes)))
    assert newer.hashes(indexes) == log.read(indexes)


def test_a_tree_with_another_beginning_adopts_nothing(log: StoredHashes) -> None:
    other = StoredHashes(300, "other {}".format)
    newer = proven(log, 1000, root_indexes(300))
    with pytest.raises(Unproven):
        newer.adopt(proven(other, 300, []))


def test_a_lean_tree_has_lost_only_what_can_be_had_again(log: StoredHashes) -> None:
    indexes = [stored_hash_index(0, number) for number in range(0, 3000, 100)]
    tree = proven(log, 3000, indexes)
    lean = tree.lean()
    assert len(lean) == 2 < len(tree)
    lean.prove(log.tiles(lean.missing(indexes)))
    assert lean.hashes(indexes) == log.read(indexes)


def test_tiles_are_taken_from_above_and_never_on_trust(log: StoredHashes) -> None:
    tree = ProvenTree(log.head(3000))
    with pytest.raises(ValueError, match="edge"):
        tree.prove(log.tiles([Tile(8, 0, 0, 256)]))
    tree.prove(log.tiles(tree.missing([])))
    with pytest.raises(ValueError, match="not a full tile"):
        tree.prove(log.tiles([Tile(8, 0, 0, 100)]))


@given(sizes, heights, st.data())
def test_the_tiles_that_give_an_older_root_also_prove_it(
    log: StoredHashes, size: int, height: int, data: st.DataObject
) -> None:
    old = data.draw(st.integers(1, size))
    tree = proven(log, size, root_indexes(old), height)
    check_tree(prove_tree(size, old, tree.hashes), size, log.head(size).root, old, log.head(old).root)

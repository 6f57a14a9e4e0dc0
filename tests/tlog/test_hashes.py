"""Roots and stored hashes are those of RFC 6962, at the indexes that Go gives them."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree  # type: ignore[import-untyped]

from modgate.errors import Unproven
from modgate.tlog.frontier import Frontier
from modgate.tlog.hashes import (
    EMPTY_ROOT,
    record_hash,
    split_stored_hash_index,
    stored_hash_count,
    stored_hash_index,
)
from modgate.tlog.proofs import check_record, check_tree, prove_record, prove_tree, root_indexes, tree_hash
from tests.tlog.stored import StoredHashes

ROOTS = {
    1: "G7l9zCFjXUfiZj79/QoXRobZjdcBNS3SzQbotD/T0wU=",
    2: "/F9riP+FVPdbsvnm85wxsZNtRLaSdu33sSBalVuXYeM=",
    3: "1Pksj7uJcg6ztVZ3x9fvrd/rENEaGoSguo8aIzN/qpU=",
    7: "WmH8K1T5z6cXdPJDIUPdQMbLKxGUf69lp9PaXLZRmcg=",
    8: "xcLIIO00L92ozolra5z1uMAKIcxLIHFMxuXTwFw1JAs=",
    13: "z5tMKkSnyqci1dVI7mT/kKEZsMMaysNETcWDAAo508o=",
    100: "E/iJFcVg3JEaHaD7IJ2EoglxBR8pTr60KPs/wpOvJ0M=",
    256: "z17/2xHQknou31Ow5zx4N/ZZQU4AU32l2Q61xMSf8nQ=",
    257: "hVuTaqAMuYtRFEhCSa0514pr6TYj4mwB6OSH3AIYSlo=",
    1000: "L/M/udjxT4nKMGKJYzM2oWj/P0Uy6PdBoAGdy0wdYKE=",
}
QUOTE = (
    "rsc.io/quote v1.5.2 h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=\n"
    "rsc.io/quote v1.5.2/go.mod h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0=\n"
)
sizes = st.integers(1, 3000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello world", "TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0="),
        (QUOTE, "YIbrIfbx/MNcPidoYOgRXWdOys26yALyiA3vKAesRjw="),
    ],
)
def test_a_record_has_its_hash(text: str, expected: str) -> None:
    assert base64.b64encode(record_hash(text.encode())).decode() == expected


@pytest.mark.parametrize(("size", "root"), ROOTS.items())
def test_a_tree_has_its_root(log: StoredHashes, size: int, root: str) -> None:
    assert base64.b64encode(tree_hash(size, log.read)).decode() == root


def test_an_empty_tree_has_the_hash_of_nothing(log: StoredHashes) -> None:
    assert tree_hash(0, log.read) == EMPTY_ROOT == hashlib.sha256(b"").digest()
    assert root_indexes(0) == []


def test_every_root_up_to_3000_is_that_of_another_implementation(log: StoredHashes) -> None:
    oracle = InmemoryTree(algorithm="sha256")
    for size in range(1, 3001):
        oracle.append_entry(f"leaf {size - 1}".encode())
        if size % 61 == 0 or size < 70 or size & (size - 1) == 0:
            assert tree_hash(size, log.read) == oracle.get_root()


def test_proofs_are_those_of_another_implementation(log: StoredHashes) -> None:
    oracle = InmemoryTree.init_from_entries([f"leaf {n}".encode() for n in range(300)], algorithm="sha256")
    for size in (1, 2, 3, 7, 8, 255, 256, 257, 300):
        for number in {0, 1, size // 2, size - 1} - {size}:
            if number < size:
                path = oracle.prove_inclusion(number + 1, size).path
                assert [record_hash(f"leaf {number}".encode()), *prove_record(size, number, log.read)] == path


@given(st.integers(0, 1 << 40), st.integers(0, 20))
def test_indexes_split_into_what_they_are_made_of(number: int, level: int) -> None:
    assert split_stored_hash_index(stored_hash_index(level, number)) == (level, number)


def test_indexes_are_dense_and_in_the_order_of_writing() -> None:
    written = [
        (level, number >> level) for number in range(2000) for level in range(12) if (number + 1) % (1 << level) == 0
    ]
    assert [stored_hash_index(*node) for node in written] == list(range(len(written)))
    assert stored_hash_count(2000) == len(written)


@given(sizes, st.data())
def test_a_record_is_proven_to_be_in_its_tree_and_in_no_other_place(
    log: StoredHashes, size: int, data: st.DataObject
) -> None:
    number = data.draw(st.integers(0, size - 1))
    proof = prove_record(size, number, log.read)
    leaf = record_hash(f"leaf {number}".encode())
    root = tree_hash(size, log.read)
    check_record(proof, size, root, number, leaf)
    for wrong in (
        (proof, size, root, number, record_hash(b"else")),
        (proof, size, record_hash(b"else"), number, leaf),
        ([*proof, leaf], size, root, number, leaf),
        (proof, size, root, size, leaf),
        (proof, size, root, -1, leaf),
        (proof[1:] if proof else [leaf], size, root, number, leaf),
    ):
        with pytest.raises(Unproven):
            check_record(*wrong)


@given(sizes, st.data())
def test_a_tree_is_proven_to_be_the_beginning_of_another_and_no_other_one_is(
    log: StoredHashes, size: int, data: st.DataObject
) -> None:
    old = data.draw(st.integers(1, size))
    proof = prove_tree(size, old, log.read)
    root, old_root = tree_hash(size, log.read), tree_hash(old, log.read)
    check_tree(proof, size, root, old, old_root)
    other = record_hash(b"else")
    wrongs = [
        (proof, size, other, old, old_root),
        (proof, size, root, old, other),
        ([*proof, other], size, root, old, old_root),
        (proof, size, root, 0, old_root),
        (proof, size, root, size + 1, old_root),
    ]
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        wrongs.append(([*proof[:at], other, *proof[at + 1 :]], size, root, old, old_root))
    for wrong in wrongs:
        with pytest.raises(Unproven):
            check_tree(*wrong)


def test_what_cannot_be_proven_is_a_mistake_of_the_caller(log: StoredHashes) -> None:
    with pytest.raises(ValueError, match="no record 5"):
        prove_record(5, 5, log.read)
    with pytest.raises(ValueError, match="does not begin"):
        prove_tree(5, 6, log.read)


@given(sizes, st.integers(0, 300))
def test_the_right_side_of_a_tree_is_enough_to_append_to_it(log: StoredHashes, size: int, count: int) -> None:
    frontier = Frontier(size, log.read(root_indexes(size)))
    count = min(count, 3000 - size)
    stored = [frontier.append(record_hash(f"leaf {number}".encode())) for number in range(size, size + count)]
    first = stored_hash_count(size)
    assert [one for some in stored for one in some] == log.hashes[first : first + sum(map(len, stored))]
    assert frontier.head == log.head(size + count)


def test_the_wrong_right_side_is_a_mistake_of_the_caller(log: StoredHashes) -> None:
    with pytest.raises(ValueError, match="3 subtrees"):
        Frontier(7, log.read(root_indexes(6)))
    assert Frontier().head == log.head(0)

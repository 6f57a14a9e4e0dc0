"""The database's tree and signatures are those of protocol.md §5.2 and §5.3."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.world.trees import Signer, Tree, tile_index


def grown(size: int) -> Tree:
    tree = Tree()
    for number in range(size):
        tree.append(f"leaf {number}".encode())
    return tree


@pytest.mark.parametrize(
    ("size", "root"),
    [
        (0, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        (1, "G7l9zCFjXUfiZj79/QoXRobZjdcBNS3SzQbotD/T0wU="),
        (2, "/F9riP+FVPdbsvnm85wxsZNtRLaSdu33sSBalVuXYeM="),
        (3, "1Pksj7uJcg6ztVZ3x9fvrd/rENEaGoSguo8aIzN/qpU="),
        (7, "WmH8K1T5z6cXdPJDIUPdQMbLKxGUf69lp9PaXLZRmcg="),
        (8, "xcLIIO00L92ozolra5z1uMAKIcxLIHFMxuXTwFw1JAs="),
        (13, "z5tMKkSnyqci1dVI7mT/kKEZsMMaysNETcWDAAo508o="),
        (100, "E/iJFcVg3JEaHaD7IJ2EoglxBR8pTr60KPs/wpOvJ0M="),
        (256, "z17/2xHQknou31Ow5zx4N/ZZQU4AU32l2Q61xMSf8nQ="),
        (257, "hVuTaqAMuYtRFEhCSa0514pr6TYj4mwB6OSH3AIYSlo="),
        (1000, "L/M/udjxT4nKMGKJYzM2oWj/P0Uy6PdBoAGdy0wdYKE="),
    ],
)
def test_roots(size: int, root: str) -> None:
    assert base64.b64encode(grown(1000).root(size)).decode() == root


@given(st.integers(0, 600), st.integers(0, 600))
def test_an_old_root_stays_what_it_was(size: int, more: int) -> None:
    assert grown(size + more).root(size) == grown(size).root(size)


def test_only_complete_subtrees_have_hashes() -> None:
    tree = grown(5)
    assert [len(tree.hashes(level, 0, 256)) for level in range(4)] == [5, 2, 1, 0]
    assert tree.hashes(0, 4, 1) == [hashlib.sha256(b"\x00leaf 4").digest()]


@pytest.mark.parametrize(
    ("index", "spelled"), [(0, "000"), (67, "067"), (1234067, "x001/x234/067"), (1000, "x001/000")]
)
def test_tiles_are_numbered_in_groups_of_three(index: int, spelled: str) -> None:
    assert tile_index(index) == spelled


def test_notes_are_signed_as_go_signs_them() -> None:
    seed = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
    signer = Signer("PeterNeumann", seed)
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    assert signer.sign(text) == f"{text}\n\u2014 PeterNeumann {signature}\n"
    assert signer.key.startswith("PeterNeumann+c74f20a3+A")
